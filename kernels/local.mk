# Part of libplancl: candidates and their sources, which awk puts into C.
kernels_cl = \
	kernels/preamble.cl \
	kernels/blend.cl \
	kernels/attention.cl \
	kernels/attention_cpu.cl \
	kernels/attention_tile.cl \
	kernels/conv.cl \
	kernels/conv_cpu.cl \
	kernels/conv_depthwise_cpu.cl \
	kernels/conv_depthwise_narrow_cpu.cl \
	kernels/conv_grad_w_cpu.cl \
	kernels/copy.cl \
	kernels/embedding.cl \
	kernels/grid.cl \
	kernels/gru.cl \
	kernels/layer_norm.cl \
	kernels/loss.cl \
	kernels/lstm.cl \
	kernels/loss_cpu.cl \
	kernels/matmul.cl \
	kernels/matmul_cpu.cl \
	kernels/matmul_batch_sum_cpu.cl \
	kernels/meter.cl \
	kernels/norm.cl \
	kernels/optimizer.cl \
	kernels/pick.cl \
	kernels/pool.cl \
	kernels/random.cl \
	kernels/reduce.cl \
	kernels/rnn.cl \
	kernels/scan.cl \
	kernels/select.cl \
	kernels/softmax.cl \
	kernels/transpose.cl

libplancl_la_SOURCES += \
	kernels/blend.c \
	kernels/blend.h \
	kernels/attention.c \
	kernels/attention.h \
	kernels/conv.c \
	kernels/conv.h \
	kernels/conv_depthwise.c \
	kernels/conv_sum.h \
	kernels/copy.c \
	kernels/copy.h \
	kernels/dtype.h \
	kernels/embedding.c \
	kernels/embedding.h \
	kernels/grid.c \
	kernels/grid.h \
	kernels/gru.c \
	kernels/gru.h \
	kernels/kernel.c \
	kernels/kernel.h \
	kernels/layer_norm.c \
	kernels/layer_norm.h \
	kernels/loss.c \
	kernels/loss.h \
	kernels/lstm.c \
	kernels/lstm.h \
	kernels/matmul.c \
	kernels/matmul.h \
	kernels/meter.c \
	kernels/meter.h \
	kernels/norm.c \
	kernels/norm.h \
	kernels/optimizer.c \
	kernels/optimizer.h \
	kernels/pick.c \
	kernels/pick.h \
	kernels/pointwise.c \
	kernels/pointwise.h \
	kernels/pool.c \
	kernels/pool.h \
	kernels/program.c \
	kernels/random.c \
	kernels/random.h \
	kernels/reduce.c \
	kernels/reduce.h \
	kernels/rnn.c \
	kernels/rnn.h \
	kernels/scan.c \
	kernels/scan.h \
	kernels/select.c \
	kernels/select.h \
	kernels/softmax.c \
	kernels/softmax.h \
	kernels/transpose.c \
	kernels/transpose.h
nodist_libplancl_la_SOURCES += kernels/sources.c

kernels/sources.c: $(kernels_cl) kernels/embed.awk
	$(AM_V_GEN)$(MKDIR_P) kernels && \
	    $(AWK) -f '$(srcdir)/kernels/embed.awk' \
	    $(kernels_cl:%='$(srcdir)/%') >$@.new && mv $@.new $@

BUILT_SOURCES += kernels/sources.c
CLEANFILES += kernels/sources.c kernels/sources.c.new
EXTRA_DIST += kernels/embed.awk $(kernels_cl)
