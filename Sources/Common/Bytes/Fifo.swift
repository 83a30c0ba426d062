/// A queue in one array: taken from the front, added at the back.
package struct Fifo<Element> {
    @usableFromInline var elements: [Element] = []
    @usableFromInline var head = 0

    @inlinable
    package init() {}

    @inlinable
    package var isEmpty: Bool { head == elements.count }
    @inlinable
    package var count: Int { elements.count - head }
    @inlinable
    package var first: Element? { isEmpty ? nil : elements[head] }

    @inlinable
    package mutating func append(_ element: Element) { elements.append(element) }

    @inlinable
    package mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = elements[head]
        head += 1
        // Moving the rest is paid by what was taken since the last time.
        if head >= 64, head * 2 >= elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Takes out all elements for which `isGone` holds; the others keep their order.
    @inlinable
    package mutating func removeAll(where isGone: (Element) -> Bool) {
        elements.removeFirst(head)
        head = 0
        elements.removeAll(where: isGone)
    }
}
