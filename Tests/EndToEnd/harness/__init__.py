"""Everything the end-to-end tests start, feed and ask: services, stores, senders, faults."""
