# The manual, and an example that is built and run by make check.
dist_doc_DATA = \
    README.md \
    doc/c-api.md \
    doc/command-line.md \
    doc/fine-tuning.md \
    doc/memory.md \
    doc/model-format.md \
    doc/onnx-operators.md \
    doc/onnx.md \
    doc/ops.txt \
    doc/sensor-windows.md \
    doc/text.md

# For editors; what `plancl ops --schema` prints.
schemadir = $(pkgdatadir)
dist_schema_DATA = doc/plancl.schema.json

noinst_PROGRAMS = doc/examples/train
doc_examples_train_SOURCES = doc/examples/train.c
doc_examples_train_CPPFLAGS = -I$(top_builddir)/include
doc_examples_train_LDADD = \
    libplancl-compiler.la libplancl-data.la libplancl.la
dist_check_SCRIPTS += tests/example.sh
