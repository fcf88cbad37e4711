"""Small PDFs that are real ones: with text that can be read back, an e-invoice, a signature, a password; and
one that is a bomb."""

from __future__ import annotations

import io
import zlib

import pikepdf
from pikepdf import Array, Dictionary, Name


def pdf(*lines: str) -> bytes:
    """One page with these lines (Latin-1)."""
    escaped = (line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in lines)
    shown = b"".join(b"(%s) Tj 0 -16 Td\n" % line.encode("latin-1") for line in escaped)
    page = b"BT /F1 11 Tf 50 780 Td\n%sET" % shown
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    made, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return made + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(made))
    )


def changed(content: bytes) -> tuple[pikepdf.Pdf, io.BytesIO]:
    """The PDF to change, and where to save it."""
    return pikepdf.open(io.BytesIO(content)), io.BytesIO()


def with_file(content: bytes, xml: bytes, name: str = "factur-x.xml") -> bytes:
    """The PDF with this XML attached."""
    whole, out = changed(content)
    whole.attachments[name] = pikepdf.AttachedFileSpec(whole, xml, filename=name, mime_type="text/xml")
    whole.save(out)
    return out.getvalue()


def signed(content: bytes, how: str = "value") -> bytes:
    """The PDF as one is that has been signed: a signature field with a value, the form's flags, or a
    certification of the whole document (the signature itself is not a valid one)."""
    whole, out = changed(content)
    signature = whole.make_indirect(
        Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), ByteRange=[0, 1, 2, 3], Contents=b"\0" * 64)
    )
    match how:
        case "value":
            field = Dictionary(FT=Name.Sig, T="s", Kids=[])
            child = whole.make_indirect(Dictionary(Subtype=Name.Widget, V=signature, Parent=Dictionary()))
            field.Kids = Array([child])
            whole.Root.AcroForm = Dictionary(Fields=[whole.make_indirect(field)])
        case "flags":
            whole.Root.AcroForm = Dictionary(Fields=[], SigFlags=3)
        case "certified":
            whole.Root.Perms = Dictionary(DocMDP=signature)
    whole.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def encrypted(content: bytes, user: str = "") -> bytes:
    """The PDF with an owner password, and a user password if there is one."""
    whole, out = changed(content)
    whole.save(out, encryption=pikepdf.Encryption(user=user, owner="owner"))
    return out.getvalue()


def bomb(megabytes: int = 400) -> bytes:
    """A PDF of a thousandth of this size: its only objects are compressed together with very many blanks."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 10 10] >>",
    )
    places, at = b"", 0
    for number, each in enumerate(objects, 1):
        places += b"%d %d " % (number, at)
        at += len(each) + 1
    packer = zlib.compressobj(9)
    packed = packer.compress(places + b" ".join(objects) + b" ")
    packed += b"".join(packer.compress(b" " * 2**20) for _ in range(megabytes)) + packer.flush()
    made = b"%PDF-1.5\n"
    stream = len(made)
    made += b"4 0 obj\n<< /Type /ObjStm /N 3 /First %d /Filter /FlateDecode" % len(places)
    made += b" /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (len(packed), packed)
    rows = ((0, 0, 65535), (2, 4, 0), (2, 4, 1), (2, 4, 2), (1, stream, 0), (1, len(made), 0))
    table = b"".join(
        bytes([kind]) + place.to_bytes(4, "big") + index.to_bytes(2, "big") for kind, place, index in rows
    )
    return made + (
        b"5 0 obj\n<< /Type /XRef /Size 6 /W [1 4 2] /Root 1 0 R /Length %d >>\n"
        b"stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (len(table), table, len(made))
    )
