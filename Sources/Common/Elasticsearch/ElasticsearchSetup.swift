package struct ElasticsearchSetup: Sendable {
    func run(_ client: HTTPClient, _ server: HTTPServerAddress) throws {}
}
