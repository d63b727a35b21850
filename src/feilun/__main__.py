"""`python -m feilun`: the command `feilun`, also where its folder is not on the PATH."""

from feilun.interfaces.cli.main import main

main()
