"""Makes the documentation: reads what the program says of itself, writes static pages.

Called by Scripts/docs/build, which knows where everything comes from.
"""

import argparse
import json
import pathlib

from interface import Interface
from openapi import OpenAPI
from pages import Site


def main():
    parser = argparse.ArgumentParser()
    for name in ("project", "interface", "catalogue", "out"):
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path)
    options = parser.parse_args()
    interface = Interface.read(options.interface)
    catalogue = json.loads(options.catalogue.read_text(encoding="utf-8"))
    options.out.mkdir()
    openapi = OpenAPI(interface).document()
    Site(interface, catalogue, openapi, options.project, options.out).build()
    (options.out / "openapi.json").write_text(
        json.dumps(openapi, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


main()
