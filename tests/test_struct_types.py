"""Types of structs are known to msgspec before threads read into them: two that begin at once end the process."""

import subprocess
import sys
from pathlib import Path

from gateway import struct_types
from gateway.records import ExchangeRecord

SCRIPT = """
import asyncio, sys
from pathlib import Path
import msgspec
from gateway import DataFolder, Gateway, Settings
from gateway.struct_types import structs

made = []
def note(frame, event, _):
    if event == "call" and frame.f_code.co_name == "get_class_annotations":
        made.append(frame.f_locals["obj"].__name__)

async def start():
    gateway = Gateway(DataFolder(Path(sys.argv[1])), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    sys.setprofile(note)
    read = 0
    for struct in structs():
        before = len(made)
        try:
            msgspec.json.Decoder(struct)
            read += 1
        except (TypeError, NameError):
            del made[before:]
    sys.setprofile(None)
    print(read > 300, made)
    await gateway.close()

asyncio.run(start())
"""


def test_all_types_are_made_when_the_gateway_starts(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n", done.stderr


def test_structs_are_those_of_the_package() -> None:
    found = list(struct_types.structs())
    assert ExchangeRecord in found and all(struct.__module__.startswith("gateway.") for struct in found)
