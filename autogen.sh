#!/bin/sh
# autogen.sh: make configure from configure.ac, in a fresh clone.
cd "$(dirname "$0")" && mkdir -p m4 && exec autoreconf --install
