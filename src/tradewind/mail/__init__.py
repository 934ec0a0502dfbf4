"""Mail over SMTP: what a message looks like on the wire, and how a server is spoken to."""
