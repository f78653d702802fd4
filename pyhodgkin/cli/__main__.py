"""``python -m pyhodgkin.cli``."""

import sys

from .app import main

sys.exit(main())
