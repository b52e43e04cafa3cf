"""Build the site: `python -m docs.site`. A link that leads nowhere ends it with exit code 1."""

import sys

from docs.site.building import build
from docs.site.pages import ROOT

if __name__ == "__main__":
    sys.exit(build(ROOT, ROOT))
