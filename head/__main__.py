"""`python -m head COMMAND key=value …`"""

import sys

from .cli import main

sys.exit(main(sys.argv[1:]))
