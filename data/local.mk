# libplancl-data: files of samples.
libplancl_data_la_SOURCES += \
	data/dataset.c \
	data/element.c \
	data/element.h \
	data/format.c \
	data/format.h \
	data/idx.c \
	data/npy.c \
	data/npy_write.c \
	data/reorder.c \
	data/selection.c \
	data/selection.h \
	data/shuffle.c \
	data/source.c \
	data/source.h \
	data/spec.c \
	data/spec.h \
	data/store.c \
	data/store.h \
	data/unpack.c
