"""Every route of the application, by who may look and who may change there."""

from __future__ import annotations

import re

from flask import Flask

OPEN = {
    *("/login", "/login/code", "/login/link", "/login/state", "/setup", "/healthz", "/readyz"),
    *("/login/sign-on", "/login/sign-on/back", "/static/<path:filename>"),
}
OPEN_CHANGING = {
    *("/login", "/login/again", "/login/code", "/login/link", "/login/passkey", "/login/passkey/options"),
    "/setup",
}
FOR_APPROVERS = {"/runs/<int:run_id>/approval"}  # by a right of its own: tests/approvals
OWN = {
    *("/account", "/account/password", "/account/sessions/end", "/account/sessions/<int:session_id>/end"),
    *("/account/notices", "/notices/read", "/notices/<int:notice_id>/read"),
    *(
        f"{each}/notices{rest}"
        for each in ("/runs/<int:run_id>", "/plans/<int:plan_id>")
        for rest in ("", "/end")
    ),
    *("/account/factors/app", "/account/factors/app/confirm", "/account/factors/app/remove"),
    *("/account/factors/codes", "/account/factors/passkeys", "/account/factors/passkeys/options"),
    "/account/factors/passkeys/remove",
}
LOOKING = {
    "/",
    "/account",
    "/account/factors",
    "/help",
    "/help/<topic>",
    "/runs",
    "/runs.csv",
    "/runs.xlsx",
    "/runs/preview",
    "/runs/preview/list",
    "/runs/preview/list.csv",
    "/runs/preview/list.xlsx",
    "/runs/preview/oddities",
    "/runs/preview/oddities/<kind>",
    "/runs/preview/mail",
    "/runs/preview/mail/html",
    "/runs/clusters",
    "/runs/<int:run_id>",
    "/runs/<int:run_id>/results",
    "/runs/<int:run_id>/live",
    "/runs/<int:run_id>/approval",
    "/runs/<int:run_id>/oddities",
    "/runs/<int:run_id>/oddities/<kind>",
    "/runs/<int:run_id>/report.csv",
    "/runs/<int:run_id>/report.xlsx",
    "/runs/<int:run_id>/evidence.zip",
    "/runs/live",
    "/results/<int:result_id>",
    "/results/<int:result_id>/live",
    "/results/<int:result_id>/mail",
    "/results/<int:result_id>/mail.eml",
    "/results/<int:result_id>/documents/<int:number>",
    "/definitions",
    "/definitions/passwords",
    "/definitions/reach",
    "/definitions/<int:definition_id>",
    "/definitions/<int:definition_id>/versions",
    "/templates",
    "/templates/<int:template_id>",
    "/templates/pictures/<name>",
    "/invoices",
    "/invoices.csv",
    "/invoices.xlsx",
    "/invoices/<int:invoice_id>",
    "/invoices/<int:invoice_id>/documents/<int:document_id>",
    "/invoices/<int:invoice_id>/documents/<int:document_id>/view",
    "/customers",
    "/customers.csv",
    "/customers.xlsx",
    "/customers/<int:customer_id>",
    "/clusters",
    "/search",
    "/plans",
    "/plans/<int:plan_id>",
    "/notices",
    "/bounces",
    "/bounces/<int:mail_id>",
    "/fix",
    "/fix.csv",
    "/fix.xlsx",
}
FOR_EDITORS = {"/definitions/new", "/templates/new"}
FOR_SENDERS = {
    "/fix/send",
    "/runs/new",
    "/customers/new",
    "/customers/<int:customer_id>/data.zip",
    "/clusters/new",
    "/invoices/new",
    "/plans/new",
    "/runs/<int:run_id>/window",
}
NO_PAGES = {"/servers/<int:id>/oauth/connect": 404, "/oauth/back": 303}
"""Addresses that lead on, and what an administrator gets there who has begun nothing."""
SETTINGS = ("/servers", "/senders", "/mailboxes", "/recipient-keys", "/transformations")
LOOKING_ADMINS = {
    *NO_PAGES,
    *("/takeover", "/settings", "/users", "/users/new", "/users/<int:user_id>", "/own-data"),
    *("/audit", "/audit.csv", "/audit.xlsx", "/settings/approval", "/customers/<int:customer_id>/erasure"),
    "/settings/notices",
} | {f"{path}{rest}" for path in SETTINGS for rest in ("", "/new", "/<int:id>")}
CHANGING_ADMINS = {
    "/settings/notices",
    *("/audit/verification", "/settings/approval", "/customers/<int:customer_id>/erasure"),
    *("/takeover", "/servers/<int:id>/check", "/servers/<int:id>/try", "/own-data"),
    *(
        f"/servers/<int:id>/oauth{rest}"
        for rest in ("", "/use", "/leave", "/renew", "/device", "/device/check")
    ),
    *("/senders/<int:id>/domain", "/mailboxes/<int:id>/check"),
    *("/servers/new/check", "/mailboxes/new/check"),
    *("/users/new", "/users/<int:user_id>", "/users/<int:user_id>/link", "/users/<int:user_id>/disable"),
    *("/users/<int:user_id>/enable", "/users/<int:user_id>/sessions/end"),
    "/users/<int:user_id>/sessions/<int:session_id>/end",
    "/users/<int:user_id>/factor/remove",
    *(f"{path}{rest}" for path in SETTINGS for rest in ("/new", "/<int:id>", "/<int:id>/delete")),
}
EDITING = {
    "/definitions",
    "/definitions/check",
    "/definitions/mail",
    "/definitions/test",
    "/definitions/<int:definition_id>",
    "/definitions/<int:definition_id>/copy",
    "/definitions/<int:definition_id>/retirement",
    "/definitions/<int:definition_id>/retirement/end",
    "/definitions/<int:definition_id>/delete",
    "/templates",
    "/templates/check",
    "/templates/mail",
    "/templates/test",
    "/templates/<int:template_id>",
    "/templates/<int:template_id>/copy",
    "/templates/<int:template_id>/delete",
    "/templates/<int:template_id>/languages/delete",
    "/templates/parts",
    "/templates/parts/<name>/delete",
    "/templates/pictures",
    "/templates/pictures/<name>/delete",
}
CHANGING = {
    "/runs",
    "/runs/preview",
    "/runs/<int:run_id>/window",
    "/runs/<int:run_id>/sending",
    "/runs/<int:run_id>/sending/stop",
    "/runs/<int:run_id>/results/send-again",
    "/runs/<int:run_id>/results/remove",
    "/runs/<int:run_id>/results/put-back",
    "/runs/<int:run_id>/results/let-pass",
    "/runs/<int:run_id>/results/mark-sent",
    "/runs/<int:run_id>/results/mark-bounced",
    "/runs/<int:run_id>/archive",
    "/runs/<int:run_id>/archive/undo",
    "/runs/archive",
    "/runs/archive/undo",
    "/invoices/new",
    "/invoices/approve",
    "/invoices/close",
    "/invoices/run",
    "/invoices/<int:invoice_id>/facts",
    "/invoices/<int:invoice_id>/data",
    "/invoices/<int:invoice_id>/documents",
    "/invoices/<int:invoice_id>/documents/<int:document_id>",
    "/invoices/<int:invoice_id>/documents/<int:document_id>/remove",
    "/invoices/<int:invoice_id>/documents/<int:document_id>/release",
    "/customers/new",
    "/customers/move",
    "/customers/suspend",
    "/customers/resume",
    "/customers/<int:customer_id>/facts",
    "/customers/<int:customer_id>/addresses",
    "/customers/<int:customer_id>/addresses/<int:address_id>",
    "/customers/<int:customer_id>/addresses/<int:address_id>/remove",
    "/customers/<int:customer_id>/metadata",
    "/customers/<int:customer_id>/metadata/show",
    "/customers/<int:customer_id>/suspension",
    "/customers/<int:customer_id>/suspension/end",
    "/clusters/new",
    "/clusters/<int:cluster_id>",
    "/clusters/<int:cluster_id>/children",
    "/clusters/<int:cluster_id>/delete",
    "/fix",
    "/fix/undo",
    *("/bounces/read", "/bounces/<int:mail_id>/match", "/bounces/<int:mail_id>/dismiss"),
    "/plans",
    *(f"/plans/<int:plan_id>{rest}" for rest in ("", "/pause", "/resume", "/delete", "/run")),
}
IMPORTING = {  # who may: tests/intake/test_pages.py
    *("/import", "/imports", "/imports/example.zip"),
    "/imports/<int:set_id>",
    "/imports/<int:set_id>/live",
    "/imports/<int:set_id>/<any(errors, changes, documents):what>.csv",
}
CHANGING_IMPORTS = {f"/imports/<int:set_id>{rest}" for rest in ("", "/apply", "/cancel", "/discard")}
CHANGING_IMPORTS.add("/imports")
FIRST_IDS = (
    "set_id",
    "id",
    "number",
    "definition_id",
    "template_id",
    "customer_id",
    "address_id",
    "cluster_id",
    "invoice_id",
    "document_id",
    "user_id",
    "session_id",
    "plan_id",
    "notice_id",
    "mail_id",
)
OF_A_RUN = {rule for rule in LOOKING | CHANGING if "run_id>" in rule or "result_id>" in rule}


def routes(pages: Flask, method: str) -> set[str]:
    return {rule.rule for rule in pages.url_map.iter_rules() if method in (rule.methods or set())}


def address(rule: str, run_id: int, result_id: int) -> str:
    ids = {"run_id": run_id, "result_id": result_id, **dict.fromkeys(FIRST_IDS, 1)}
    named = rule.replace("<name>", "logo").replace("<topic>", "start").replace("<kind>", "large")
    named = named.replace("<any(errors, changes, documents):what>", "errors")
    return re.sub("<int:([a-z_]+)>", lambda match: str(ids[match[1]]), named)
