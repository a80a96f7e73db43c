"""Makes the documentation: reads what the program says of itself, writes static pages.

Called by Scripts/docs/build, which knows where everything comes from.
"""

import argparse
import json
import pathlib

from interface import Interface
from openapi import OpenAPI


def main():
    parser = argparse.ArgumentParser()
    for name in ("project", "interface", "catalogue", "out"):
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path)
    options = parser.parse_args()
    interface = Interface.read(options.interface)
    options.out.mkdir()
    document = OpenAPI(interface).document()
    (options.out / "openapi.json").write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")


main()
