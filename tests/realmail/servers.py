"""A real Postfix and a real Dovecot, in a folder of their own and on free ports: as root, in the foreground,
without the system's own configuration."""

from __future__ import annotations

import imaplib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.smtp.conversations import CERTIFICATE

USER, PASSWORD = "mailrun", "Zahlstraße€1"
MAILBOX_OWNER = "mail"
START_SECONDS = 20.0

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}
myhostname = mail.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:{home}/lmtp
lmtp_destination_concurrency_limit = 4
smtpd_client_event_limit_exceptions =
smtpd_peername_lookup = no
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
smtpd_sasl_type = dovecot
smtpd_sasl_path = {home}/auth
"""
MASTER_CF = """\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
DOVECOT_CONF = """\
protocols = imap lmtp{pop3_too}
base_dir = {home}/dovecot
log_path = {home}/dovecot.log
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
first_valid_uid = 1
mail_location = maildir:{home}/mail
lmtp_save_to_detail_mailbox = no
{tokens}passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/passwd
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={home}/mail allow_all_users=yes
}}
service auth {{
  unix_listener {home}/auth {{
    mode = 0666
  }}
}}
service lmtp {{
  unix_listener {home}/lmtp {{
    mode = 0666
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""
POP3_CONF = "service pop3-login {{\n  inet_listener pop3 {{\n    port = {pop3}\n  }}\n}}\n"


TOKENS_CONF = "passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {home}/oauth2.conf\n}}\n"
OAUTH2_CONF = """\
introspection_mode = post
introspection_url = {introspection}
username_attribute = username
active_attribute = active
active_value = true
"""
"""How Dovecot asks a provider whether a token counts (RFC 7662)."""


def are_installed() -> str:
    """Why these tests cannot run here; empty if they can."""
    if os.geteuid() != 0:
        return "Postfix starts as root only"
    missing = [name for name in ("postfix", "dovecot") if not shutil.which(name, path=PATH)]
    missing += [] if Path("/usr/lib/dovecot/lmtp").exists() else ["dovecot-lmtpd"]
    missing += [] if Path("/usr/lib/dovecot/imap").exists() else ["dovecot-imapd"]
    return f"not installed: {', '.join(missing)} (apt-get install them)" if missing else ""


def has_pop3() -> bool:
    """Whether this Dovecot speaks POP3, too."""
    return Path("/usr/lib/dovecot/pop3").exists()


PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


@dataclass
class RealMail:
    """`ports`: those of Postfix, by the name of the entry; `imap` and `pop3`: Dovecot's, 0 without POP3."""

    home: Path
    ports: Mapping[str, int]
    imap: int
    pop3: int

    def message_ids(self) -> Counter[str]:
        """How often each message is in the mailbox, read by IMAP."""
        with imaplib.IMAP4("127.0.0.1", self.imap) as box:
            box.login("reader", "ascii")
            box.select("INBOX", readonly=True)
            _, found = box.search(None, "ALL")
            numbers = found[0].split()
            if not numbers:
                return Counter()
            span = f"{numbers[0].decode()}:{numbers[-1].decode()}"
            _, parts = box.fetch(span, "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
        heads = [part[1].decode() for part in parts if isinstance(part, tuple)]
        return Counter(head.partition(":")[2].strip() for head in heads)

    def log(self) -> str:
        """What Postfix wrote."""
        return (self.home / "postfix.log").read_text()


@contextmanager
def real_mail(
    entries: Mapping[str, str], *, main: str = "", mechanisms: str = "plain login", introspection: str = ""
) -> Iterator[RealMail]:
    """Postfix and Dovecot while the block lasts. `entries`: by name the options of a port of Postfix; in
    `main`, more of main.cf, `@name@` stands for that port. `introspection`: where Dovecot asks about the
    tokens that it takes."""
    home = Path(tempfile.mkdtemp(prefix="mailrun-mail-"))
    names = [*entries, "imap", *(["pop3"] if has_pop3() else [])]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    _lay_out(home, ports, entries, main, mechanisms, introspection)
    dovecot = ["dovecot", "-F", "-c", f"{home}/dovecot.conf"]
    postfix = ["postfix", "-c", f"{home}/config", "start-fg"]
    output = os.open(home / "output", os.O_WRONLY | os.O_CREAT)
    started = [
        subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env={**os.environ, "PATH": PATH},
        )
        for command in (dovecot, postfix)
    ]
    try:
        for port in ports.values():
            _until_it_listens(port, home)
        yield RealMail(home, ports, ports["imap"], ports.get("pop3", 0))
    finally:
        subprocess.run([*postfix[:-1], "stop"], env={**os.environ, "PATH": PATH}, stderr=output, check=False)
        started[0].send_signal(signal.SIGTERM)
        for process in started:
            process.wait(20)
        os.close(output)
        shutil.rmtree(home, ignore_errors=True)


def _lay_out(
    home: Path,
    ports: Mapping[str, int],
    entries: Mapping[str, str],
    main: str,
    mechanisms: str,
    introspection: str,
) -> None:
    """Write the configuration of both into their folder."""
    home.chmod(0o755)
    values = {
        "home": home,
        "certificate": CERTIFICATE,
        "owner": MAILBOX_OWNER,
        "imap": ports["imap"],
        "pop3": ports.get("pop3", 0),
        "pop3_too": " pop3" if "pop3" in ports else "",
        "mechanisms": mechanisms,
        "tokens": TOKENS_CONF.format(home=home) if introspection else "",
        "introspection": introspection,
    }
    for folder in ("queue", "mail", "data", "config"):
        (home / folder).mkdir()
    shutil.chown(home / "mail", MAILBOX_OWNER, MAILBOX_OWNER)
    shutil.chown(home / "data", "postfix", "postfix")
    options = "".join(
        f"127.0.0.1:{ports[name]} inet n - n - - smtpd {given}\n" for name, given in entries.items()
    )
    for name, port in ports.items():
        main = main.replace(f"@{name}@", str(port))
    (home / "config/main.cf").write_text(MAIN_CF.format(**values) + main)
    (home / "config/master.cf").write_text(MASTER_CF + options)
    dovecot = DOVECOT_CONF + (POP3_CONF if "pop3" in ports else "")
    (home / "dovecot.conf").write_text(dovecot.format(**values))
    (home / "oauth2.conf").write_text(OAUTH2_CONF.format(**values))
    (home / "passwd").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\nreader:{{PLAIN}}ascii\n")


def _until_it_listens(port: int, home: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            said = "".join(path.read_text() for path in home.glob("*.log")) + (home / "output").read_text()
            assert time.monotonic() < end, f"nothing listens on port {port}:\n{said}"
            time.sleep(0.1)


def free_ports(n: int) -> list[int]:
    """Ports of loopback that are free now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
