"""How mails are sent and found: mail servers, senders, recipient keys and transformations, in the browser."""
