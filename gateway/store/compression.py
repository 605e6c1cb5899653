"""What is sealed, made smaller where that pays. The first byte tells the form. Pure.

Short texts hold little that repeats within them: they are compressed with words before them that are likely to come,
the forms of our own JSON above all, and take about half of what they would take without.
"""

import zlib

# Every search that opens it expands it again, which takes longer than all the rest. Short texts take hardly any time,
# and long ones save most; what saves little more than half (pictures, prose) is stored as it is.
PAYS_BELOW, SHORT_PAYS_BELOW = 0.42, 0.8
SHORT, LONG = 512, 2048
# Smaller than that it saves nothing; from there on the likely words are few beside what the text says itself, and
# the best of zlib takes several times as long as the quickest.
LEAST, LARGE = 24, 16 * 1024
RAW, _ZLIB, _LIKELY = b"\0", b"\1", b"\2"
_RAW_DEFLATE = -15

# What is stored depends on each byte of it: it is never changed. What is likeliest stands last.
_WORDS = (
    " which about would there their could other these should after before between through because where while first"
    " every only also more than such then when what with from have this that they will been were your into over does"
    " the value the function the file the following error message result output input data name type string number"
    " list test line path please you can we need to make sure it is not in the and of for a to is as on by be or"
    " an at if it no are was has one der die und das ist nicht les des une que para con los"
)
_CODE = (
    r" self.  return None  True  False  raise ValueError(  isinstance(  except  import  class  def __init__(self,"
    r" args, kwargs\n    if  not  is None:\n        \n    for  in  range(len(\n    else:\n        \n    elif  \n"
    r"    try:\n        \n    return self._\n\n    def \n        self. = \n        return \n        if \n        "
    r'    \n   "\"\"\"'
    r" const  function  let  => {\n  }\n  });\n  public static void  #include <  https://www. .com/  http://  .py .js"
    r" .md\n```python\n```\n- **1. ## # | --- "
)
_FORMS = (
    '"extra":{"anthropic":{"cache_control":{"type":"ephemeral"}}},"extra":{"openai_responses":{"id":"msg_"'
    r'"type":"reasoning","text":"","type":"tool_call","id":"call_","name":"","arguments":"{\"path\":\"\",\"command\":\"'
    '[{"role":"tool","parts":[{"type":"tool_call_response","id":"toolu_","content":[{"type":"text","text":"'
    '[{"role":"assistant","parts":[{"type":"text","text":"[{"role":"user","parts":[{"type":"text","text":"],[]]"}]}]'
)
_BEFORE = f"{_WORDS}{_CODE}{_FORMS}".encode()


class Unreadable(ValueError):
    """Bytes of no form that is known."""


def compressed(data: bytes) -> bytes:
    """A form's byte, and the data in that form."""
    if len(data) < LEAST or SHORT <= len(data) < LONG:
        return RAW + data
    if len(data) >= LARGE:
        form, small = _ZLIB, zlib.compress(data, 1)
    else:
        deflate = zlib.compressobj(6, zlib.DEFLATED, _RAW_DEFLATE, zdict=_BEFORE)
        form, small = _LIKELY, deflate.compress(data) + deflate.flush()
    pays = SHORT_PAYS_BELOW if len(data) < SHORT else PAYS_BELOW
    return form + small if len(small) < len(data) * pays else RAW + data


def expanded(plain: bytes) -> bytes:
    """The data again; what follows on its compressed form is no part of it. Raises Unreadable."""
    form = plain[:1]
    if form == RAW:
        return plain[1:]
    try:
        if form == _LIKELY:
            inflate = zlib.decompressobj(_RAW_DEFLATE, zdict=_BEFORE)
            data = inflate.decompress(plain[1:])
            if inflate.eof:
                return data
        elif form == _ZLIB:
            return zlib.decompress(plain[1:])
    except zlib.error:
        pass
    raise Unreadable("written by another version")
