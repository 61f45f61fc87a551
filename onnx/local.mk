# The importer of ONNX files, a part of the program.
noinst_LTLIBRARIES += libonnx-import.la
libonnx_import_la_SOURCES = \
	onnx/constant.c \
	onnx/constant.h \
	onnx/convert.c \
	onnx/convert_chain.c \
	onnx/convert_layer.c \
	onnx/convert_loss.c \
	onnx/convert_number.c \
	onnx/convert_quantize.c \
	onnx/convert_recurrent.c \
	onnx/convert_resize.c \
	onnx/convert_shape.c \
	onnx/convert_signal.c \
	onnx/convert_training.c \
	onnx/convert_unrolled.c \
	onnx/export.c \
	onnx/export.h \
	onnx/export_layer.c \
	onnx/export_node.c \
	onnx/export_op.c \
	onnx/export_recurrent.c \
	onnx/export_resize.c \
	onnx/external.c \
	onnx/fold.c \
	onnx/fold.h \
	onnx/fold_element.c \
	onnx/fold_shape.c \
	onnx/fold_window.c \
	onnx/graph.c \
	onnx/import.c \
	onnx/import.h \
	onnx/layer.c \
	onnx/name.c \
	onnx/node.c \
	onnx/onnx.h \
	onnx/order.c \
	onnx/order.h \
	onnx/proto.c \
	onnx/proto.h \
	onnx/tensor.c \
	onnx/wire.c
nodist_libonnx_import_la_SOURCES = onnx/onnx.pb-c.c onnx/onnx.pb-c.h
libonnx_import_la_LIBADD = $(PROTOBUF_C_LIBS)

# From the format's own description.
onnx/onnx.pb-c.c: $(ONNX_PROTO)
	$(AM_V_GEN)$(MKDIR_P) onnx && \
	    $(PROTOC_C) --c_out=onnx --proto_path='$(ONNX_PROTO_FOLDER)' \
	    '$(ONNX_PROTO)'
onnx/onnx.pb-c.h: onnx/onnx.pb-c.c
	@test -f $@

BUILT_SOURCES += onnx/onnx.pb-c.c onnx/onnx.pb-c.h
CLEANFILES += onnx/onnx.pb-c.c onnx/onnx.pb-c.h
