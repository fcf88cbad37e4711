"""Returned mails as mail systems write them, for a mail that was sent."""

from __future__ import annotations

REPORT = """\
Return-Path: <>
Delivered-To: {to}
From: MAILER-DAEMON@mx.customers.test (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.customers.test
{envelope_id}
{blocks}
--B
Content-Type: text/rfc822-headers

From: invoicing@example.com
Message-ID: {message_id}

--B--
"""
BLOCK = """\
Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {code}
Remote-MTA: dns; mx2.customers.test
Diagnostic-Code: smtp; {reply}
"""
NO_MAILBOX = "550 5.1.1 User unknown"


def block(address: str, action: str = "failed", code: str = "5.1.1", reply: str = NO_MAILBOX) -> str:
    """What a report says of one recipient."""
    return BLOCK.format(address=address, action=action, code=code, reply=reply)


def report(to: str, *blocks: str, message_id: str = "<x@example.com>", envelope_id: str = "") -> bytes:
    """A delivery report (RFC 3464) to this address."""
    named = f"Original-Envelope-Id: {envelope_id}\n" if envelope_id else ""
    said = "\n".join(blocks)
    text = REPORT.format(to=to, blocks=said, message_id=message_id, envelope_id=named)
    return text.encode()


OUT_OF_OFFICE = b"""\
Return-Path: <>
Delivered-To: %s
From: Anna <anna@customers.test>
To: %s
Subject: Automatic reply: Invoice
Auto-Submitted: auto-replied
Content-Type: text/plain

I am out of the office. Delivery to the following recipients failed permanently: anna@customers.test
"""
REPLY = b"""\
Return-Path: <anna@customers.test>
Delivered-To: %s
From: Anna <anna@customers.test>
To: %s
Subject: Re: Invoice
In-Reply-To: <1.2.3.abc@example.com>
Content-Type: text/plain

Your mail said:
> ----- The following addresses had permanent fatal errors -----
> <anna@customers.test>
"""
OLD_FORM = b"""\
Return-Path: <>
Delivered-To: %s
From: MAILER-DAEMON@customers.test
To: %s
Subject: failure notice
Content-Type: text/plain

Hi. This is the qmail-send program at customers.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<anna@customers.test>:
550 5.1.1 no such user

--- Below this line is a copy of the message.

From: invoicing@example.com
Message-ID: <1.2.3.abc@example.com>
"""
COMPLAINT = """\
From: fbl@customers.test
To: abuse@example.com
Subject: FW: Invoice
Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: FBL/1.0
Version: 1

--B
Content-Type: message/rfc822

Return-Path: <{return_path}>
From: invoicing@example.com
Message-ID: {message_id}

An invoice
--B--
"""


def to(mail: bytes, address: str) -> bytes:
    """The mail, delivered to this address."""
    return mail.replace(b"%s", address.encode())
