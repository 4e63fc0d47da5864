"""Hold names that a model or a config could have, each an attack on whoever shows it."""

from __future__ import annotations

from types import MappingProxyType

LONGEST = 1000
ESC, BEL, NUL = "\x1b", "\x07", "\x00"

NAMES = MappingProxyType(
    {
        "ansi colour": f"{ESC}[31mred{ESC}[0m",
        "ansi erase": f"conv{ESC}[2K{ESC}[1A{ESC}[2Jok",
        "ansi title": f"{ESC}]0;owned{BEL}",
        "ansi link": f"{ESC}]8;;https://evil.example{ESC}\\click{ESC}]8;;{ESC}\\",
        "c1 control": "\x9b31mred",
        "nul": f"a{NUL}b",
        "bell and backspace": f"{BEL}passed\b\b\b\b\b\bfailed",
        "lines": "one\r\ntwo\rthree\x0bfour\x0cfive\x85six\u2028seven\u2029eight",
        "workflow command": "\r\n::error::x",
        "workflow command alone": "::error::x",
        "workflow command with properties": "::set-output name=a::b",
        "workflow command after words": "conv ::add-mask::secret",
        "workflow command in a word": "a" * 75 + "::stop-commands::x" + "b" * 80 + "::warning::y",
        "workflow command of old": "##[command]rm -rf /",
        "workflow command of old, in a word": "conv##[error]x",
        "workflow command encoded": "%0A::warning::x%0D%0A::notice::%25",
        "workflow properties": "a,line=1,title=b:c%2C",
        "html script": "<script>alert(1)</script>",
        "html handler": '"><img src=x onerror=alert(1)>',
        "html attribute": "' onmouseover='alert(1)",
        "html close": "</details></summary></table></style></svg></title>",
        "html comment": "<!-- hidden",
        "html comment end": "--> shown <!-->",
        "html entity": "&lt;b&gt; &#x0; &#60;b&#62; &copy",
        "html template": "${alert(1)} {{constructor.constructor('alert(1)')()}}",
        "xml cdata": "]]>",
        "xml doctype": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
        "markdown link": "[click](https://evil.example) [a]: javascript:alert(1)",
        "markdown image": "![x](https://evil.example/x.png)",
        "markdown autolink": "<https://evil.example> https://evil.example www.evil.example a@evil.example",
        "markdown table": "a | b || c \\| d | --- |",
        "markdown code": "` `` ``` ```` a`b``c",
        "markdown code that ends": "`<img src=x>` ``<b>`` `[a](b)` `@team`",
        "markdown fence": "```\ncode\n```",
        "markdown fence, one line": "~~~ a ``` b",
        "markdown heading": "# big",
        "markdown list": "- item",
        "markdown ordered list": "1. item",
        "markdown rule": "---",
        "markdown quote": "> quote",
        "markdown indent": "     code",
        "markdown emphasis": "*a* _b_ **c** __d__ ~~e~~",
        "markdown escape": "\\",
        "mention": "@team @org/all",
        "reference": "#1 owner/repo#2 GH-3 fixes #4",
        "emoji": ":rocket: :+1:",
        "formula": "=1+1",
        "formula command": "=cmd|' /C calc'!A0",
        "formula plus": "+1+1",
        "formula minus": "-1+1",
        "formula at": "@SUM(A1)",
        "formula after a tab": "\t=1+1",
        "formula after a blank": "  =1+1",
        "formula full-width": "\uff1d1\uff0b1",
        "quotes": "\"',;\"\" '\n'",
        "bidi override": "safe\u202egnp.exe",
        "bidi isolate": "a\u2066b\u2069\u061cc",
        "zero width": "a\u200bb\u200d\u2060\ufeffc",
        "tag characters": "a\U000e0041\U000e007f",
        "private use": "\ue000\U000f0000",
        "lone surrogate": "a\ud800b\udfff",
        "not a character": "\ufffe\uffff\U0001fffe",
        "combining": "e" + "\u0301" * 50,
        "rich markup": "[bold red]x[/] [link=https://evil.example]y[/link]",
        "rich close": "[/bold] [/]",
        "jinja": "{{7*7}} {% for x in y %} {# no #}",
        "format": "{0} {name!r} %s %(a)s %n",
        "sarif placeholder": "{0} {{1}} [text](1)",
        "shell": "$(id) `id` ; rm -rf ~ && echo $HOME | sh",
        "path": "../../etc/passwd",
        "path of windows": "C:\\windows\\system32",
        "mathtext": "$x^2$ \\frac{1}{2} $\\sqrt{",
        "empty": "",
        "blank": " ",
        "dot": ".",
        "long": "x" * 10_000,
        "long words": "name " * 2_000,
    }
)
IN_A_FILE = tuple(  # UTF-8, as protobuf wants it, and no longer than the loader takes names
    text
    for text in NAMES.values()
    if len(text) <= LONGEST and not any("\ud800" <= c <= "\udfff" for c in text)
)
FILE_NAME = f"::error::x\r\n::warning::y ##[z] <b>@team #1 $a$ `|` {ESC}[31m\u202e.onnx"
