extension DocumentRow {
    static let requestRules: [DocumentRow] = [
        DocumentRow(
            name: "names of headers in canonical form, each once",
            event: request(
                #""headers":{"x-a":"1","X-A":"2","ACCEPT-encoding":["a","b"],"in valid":"3","å":"4","e":""}"#
            ),
            expected: [
                "http.request.headers":
                    #"{"X-A":["1"],"Accept-Encoding":["a","b"],"in valid":["3"],"å":["4"],"E":[""]}"#
            ]
        ),
        DocumentRow(
            name: "a body of text, no status of 0",
            event: context(
                #""request":{"method":"GET","body":"b"},"response":{"status_code":0,"finished":false}"#
            ),
            expected: [
                "http": #"{"request":{"method":"GET","body":{"original":"b"}},"response":{"finished":false}}"#
            ]
        ),
        DocumentRow(
            name: "a URL that the agent took apart",
            event: request(##""url":{"protocol":"https","port":443,"search":"?a","hash":"#b"}"##),
            expected: ["url": ##"{"scheme":"https","port":443,"query":"?a","fragment":"#b"}"##]
        ),
        DocumentRow(
            name: "a request's URL comes before the page's",
            event: context(
                #""request":{"method":"GET","url":{"raw":"/x"}},"page":{"url":"http://h/p","referer":"r"}"#
            ),
            expected: ["url": #"{"original":"/x"}"#, "http.request.referrer": #""r""#]
        ),
        DocumentRow(
            name: "a page with everything",
            event: page("HTTPS://u:p@h.example:8443/a%20b/\\u00e4?q=%20#f%41"),
            expected: [
                "url": ##"{"original":"HTTPS://u:p@h.example:8443/a%20b/ä?q=%20#f%41","scheme":"https","##
                    + ##""full":"https://u:p@h.example:8443/a%20b/%C3%A4?q=%20#f%41","domain":"h.example","##
                    + ##""path":"/a b/ä","query":"q=%20","fragment":"fA","port":8443}"##
            ]
        ),
        DocumentRow(
            name: "a page without a scheme",
            event: page("//h/p"),
            expected: [
                "url": #"{"original":"//h/p","scheme":"http","full":"http://h/p","domain":"h","path":"/p"}"#
            ]
        ),
        DocumentRow(
            name: "a page of IPv6",
            event: page("http://[::1]:80"),
            expected: [
                "url":
                    #"{"original":"http://[::1]:80","scheme":"http","full":"http://[::1]:80","domain":"::1","port":80}"#
            ]
        ),
        DocumentRow(
            name: "a page that is no place",
            event: page("about:blank"),
            expected: ["url": #"{"original":"about:blank","scheme":"about","full":"about:blank"}"#]
        ),
        DocumentRow(
            name: "a page that is no URL",
            event: page("http://h:x/%zz"),
            expected: ["url": #"{"original":"http://h:x/%zz"}"#]
        ),
        DocumentRow(
            name: "a long page is cut to 1024 characters",
            event: page("http://h/" + String(repeating: "ä", count: 2000)),
            expected: [
                "url.original": "\"http://h/" + String(repeating: "ä", count: 1015) + "\"",
                "url.path": "\"/" + String(repeating: "ä", count: 1015) + "\"",
                "url.full": "\"http://h/" + String(String(repeating: "%C3%A4", count: 1015).prefix(1015))
                    + "\"",
            ]
        ),
        DocumentRow(
            name: "a socket of IPv6",
            event: request(#""socket":{"remote_address":"[2001:db8::1]:80"}"#),
            expected: ["source": #"{"ip":"2001:db8::1","port":80}"#, "client": #"{"ip":"2001:db8::1"}"#]
        ),
        DocumentRow(
            name: "addresses of IPv6 in their usual spelling",
            event: request(
                #""socket":{"remote_address":"2001:DB8:0:0::1"},"headers":{"X-Real-IP":"::FFFF:1.2.3.4"}"#
            ),
            expected: [
                "source": #"{"ip":"::ffff:1.2.3.4","nat":{"ip":"2001:db8::1"}}"#,
                "client": #"{"ip":"::ffff:1.2.3.4"}"#,
            ]
        ),
        DocumentRow(
            name: "a page whose host hides ASCII",
            event: page("http://a%20b/c"),
            expected: ["url": #"{"original":"http://a%20b/c"}"#]
        ),
        DocumentRow(
            name: "a socket that is a name",
            event: request(#""socket":{"remote_address":"host:80"}"#),
            expected: ["source": "", "client": ""]
        ),
        DocumentRow(
            name: "Forwarded before the others, its first element",
            event: request(
                #""socket":{"remote_address":"1.2.3.4:5"},"headers":{"X-Real-IP":"9.9.9.9","#
                    + #""forwarded":"proto=http; For=\"[2001:db8::2]:4711\", for=8.8.8.8"}"#
            ),
            expected: [
                "source": #"{"ip":"2001:db8::2","port":4711,"nat":{"ip":"1.2.3.4"}}"#,
                "client": #"{"ip":"2001:db8::2","port":4711}"#,
            ]
        ),
        DocumentRow(
            name: "X-Real-IP when Forwarded names a host",
            event: request(
                #""headers":{"x-real-ip":["9.9.9.9"],"Forwarded":"for=unknown","X-Forwarded-For":"8.8.8.8"}"#
            ),
            expected: ["source": #"{"ip":"9.9.9.9"}"#, "client": #"{"ip":"9.9.9.9"}"#]
        ),
        DocumentRow(
            name: "X-Forwarded-For, its first element",
            event: request(#""headers":{"X-FORWARDED-FOR":" 8.8.8.8:1, 7.7.7.7"}"#),
            expected: ["source": #"{"ip":"8.8.8.8","port":1}"#, "client": #"{"ip":"8.8.8.8","port":1}"#]
        ),
    ]
}
