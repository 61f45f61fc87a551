# One program per unit, one per op, each in check_PROGRAMS; scripts are in
# dist_check_SCRIPTS.  What needs a device exits with 77 where there is none.

# The harness of op tests, and halves, which every test may link: an op's test is one line,
# check_PROGRAMS += tests/op_NAME.
check_LTLIBRARIES += tests/libop.la
tests_libop_la_SOURCES = \
	tests/half.c tests/half.h tests/op_case.c tests/op_device.c tests/op_harness.h \
	tests/op_test.c tests/op_test.h

# data/: files of samples.
check_PROGRAMS += \
	tests/data_dataset \
	tests/data_idx \
	tests/data_npy \
	tests/data_selection \
	tests/data_shuffle \
	tests/data_stream
tests_data_dataset_SOURCES = \
	tests/data_dataset.c tests/data_test.c tests/data_test.h
tests_data_idx_SOURCES = tests/data_idx.c tests/data_test.c tests/data_test.h
tests_data_selection_SOURCES = \
	tests/data_selection.c tests/data_test.c tests/data_test.h
tests_data_npy_SOURCES = tests/data_npy.c tests/data_test.c tests/data_test.h
tests_data_shuffle_SOURCES = \
	tests/data_shuffle.c tests/data_test.c tests/data_test.h
tests_data_stream_SOURCES = tests/data_stream.c

# compiler/: the model reader, on good models and on the table of mistakes.
check_PROGRAMS += tests/model tests/schema
tests_model_SOURCES = tests/model.c
tests_schema_SOURCES = \
	tests/schema.c tests/json_schema.c tests/json_schema.h
tests_schema_LDADD = $(LDADD) $(CJSON_LIBS)
dist_folders += tests/mistakes

# runtime/: what everything shares, and plans.
check_PROGRAMS += \
	tests/arena \
	tests/plan \
	tests/plan_live \
	tests/plan_refuse \
	tests/sha256
tests_arena_SOURCES = tests/arena.c
tests_plan_SOURCES = tests/plan.c tests/plan_sample.c tests/plan_sample.h
tests_plan_live_SOURCES = \
	tests/plan_live.c tests/plan_sample.c tests/plan_sample.h
tests_plan_refuse_SOURCES = \
	tests/plan_refuse.c tests/plan_sample.c tests/plan_sample.h
tests_sha256_SOURCES = tests/sha256.c

# runtime/: sessions, profiles, files of weights.
check_PROGRAMS += \
	tests/permute \
	tests/profile \
	tests/safetensors \
	tests/session \
	tests/session_faults
tests_permute_SOURCES = tests/permute.c
tests_profile_SOURCES = tests/profile.c
tests_safetensors_SOURCES = tests/safetensors.c
tests_session_SOURCES = \
	tests/session.c tests/session_plan.c tests/session_plan.h
tests_session_faults_SOURCES = \
	tests/session_faults.c tests/session_plan.c tests/session_plan.h
dist_folders += tests/data/safetensors

# An OpenCL layer that counts and fails calls, for OPENCL_LAYERS.  With an
# -rpath libtool makes it a shared library although it is not installed.
check_LTLIBRARIES += tests/layer/liblayer.la
tests_layer_liblayer_la_SOURCES = tests/layer/layer.c
tests_layer_liblayer_la_LDFLAGS = \
	-module -avoid-version -shared -rpath $(abs_builddir)

# Models against another program's numbers.
check_PROGRAMS += tests/reference tests/yardsticks
tests_reference_SOURCES = tests/reference.c tests/reference_jobs.h
tests_yardsticks_SOURCES = tests/yardsticks.c
EXTRA_DIST += \
	tests/data/bioacoustic.safetensors \
	tests/data/fashion_cnn.safetensors \
	tests/data/har.safetensors \
	tests/data/jetx.safetensors \
	tests/data/pose.safetensors \
	tests/data/transformer_lm.safetensors \
	tests/data/unet.safetensors

# Gradients clipped by their norm.
check_PROGRAMS += tests/clip
tests_clip_SOURCES = tests/clip.c tests/kernel_programs.c

# How far a compile is.
check_PROGRAMS += tests/compile_progress
tests_compile_progress_SOURCES = tests/compile_progress.c

# Weights of another model.
check_PROGRAMS += tests/weights_partial
tests_weights_partial_SOURCES = tests/weights_partial.c

# Weighted losses: sums, and what they are divided by.
check_PROGRAMS += tests/weighted_mean
tests_weighted_mean_SOURCES = tests/weighted_mean.c tests/kernel_programs.c

# Bits: which decisions may change them.
check_PROGRAMS += tests/bits
tests_bits_SOURCES = tests/bits.c tests/kernel_programs.c
dist_folders += tests/models

# kernels/: every candidate against plain loops, directly on a device.
check_PROGRAMS += \
	tests/kernels_conv \
	tests/kernels_matmul \
	tests/kernels_move \
	tests/kernels_optimizer \
	tests/kernels_piece \
	tests/kernels_pool \
	tests/kernels_reduce
tests_kernels_conv_SOURCES = \
	tests/kernels_conv.c tests/kernels_conv_cases.h \
	tests/kernel_harness.c tests/kernel_harness.h
tests_kernels_matmul_SOURCES = \
	tests/kernels_matmul.c tests/kernel_harness.c tests/kernel_harness.h
tests_kernels_move_SOURCES = \
	tests/kernels_move.c tests/kernel_harness.c tests/kernel_harness.h
tests_kernels_optimizer_SOURCES = \
	tests/kernels_optimizer.c tests/kernel_harness.c tests/kernel_harness.h
tests_kernels_piece_SOURCES = \
	tests/kernels_piece.c tests/kernel_harness.c tests/kernel_harness.h
tests_kernels_pool_SOURCES = \
	tests/kernels_pool.c tests/kernel_harness.c tests/kernel_harness.h
tests_kernels_reduce_SOURCES = \
	tests/kernels_reduce.c tests/kernel_harness.c tests/kernel_harness.h

# The program, and rules that the tree keeps.
dist_check_SCRIPTS += tests/cli.sh tests/cli_run.sh tests/house.sh
EXTRA_DIST += tests/expect.sh

# Losses, metrics and meters: their kernels, and as ops.
check_PROGRAMS += \
	tests/kernels_loss \
	tests/kernels_meter \
	tests/op_loss_weights \
	tests/op_losses \
	tests/op_more_losses \
	tests/op_move
tests_kernels_loss_SOURCES = \
	tests/kernels_loss.c tests/kernel_harness.c tests/kernel_harness.h
tests_kernels_meter_SOURCES = \
	tests/kernels_meter.c tests/kernel_harness.c tests/kernel_harness.h

# One program per op: norms, pools, reductions.
check_PROGRAMS += \
	tests/op_average_pool \
	tests/op_batch_normalization \
	tests/op_gelu \
	tests/op_global_average_pool \
	tests/op_log_softmax \
	tests/op_max_pool \
	tests/op_reduce_max \
	tests/op_reduce_mean \
	tests/op_reduce_sum \
	tests/op_softmax

# Ops of the core, by family; and whether any op is without cases.
check_PROGRAMS += \
	tests/op_conv \
	tests/op_conv_transpose \
	tests/op_copy \
	tests/op_pointwise \
	tests/op_product
dist_check_SCRIPTS += tests/op_coverage.sh

# The program end to end: mistakes, memory, short batches, threads, data larger
# than memory.  The scripts use programs that are no tests themselves.
test_tools = tests/make_npy tests/make_sparse tests/read_trace tests/score
EXTRA_PROGRAMS += $(test_tools)
check_DATA = $(test_tools)
CLEANFILES += $(test_tools)
tests_make_npy_SOURCES = tests/make_npy.c
tests_make_sparse_SOURCES = tests/make_sparse.c
tests_read_trace_SOURCES = tests/read_trace.c
tests_score_SOURCES = tests/score.c
dist_check_SCRIPTS += \
	tests/calibrate.sh \
	tests/explain.sh \
	tests/fit.sh \
	tests/inspect.sh \
	tests/memory.sh \
	tests/mistakes.sh \
	tests/short.sh \
	tests/stream.sh \
	tests/threads.sh \
	tests/trace.sh
EXTRA_DIST += tests/samples.sh

# Batch norm in a model: updates, running statistics, prediction.
check_PROGRAMS += tests/batch_norm
tests_batch_norm_SOURCES = tests/batch_norm.c

# Offsets: against exhaustive search, and on published inputs.
check_PROGRAMS += tests/pack_exact
tests_pack_exact_SOURCES = tests/pack_exact.c
EXTRA_DIST += tests/data/planner

# Recomputation: by plain counting, exhaustive search and known overheads.
check_PROGRAMS += tests/remat
tests_remat_SOURCES = \
	tests/remat.c tests/remat_instance.c tests/remat_instance.h \
	tests/remat_sample.c tests/remat_sample.h
check_PROGRAMS += tests/remat_order
tests_remat_order_SOURCES = \
	tests/remat_order.c tests/remat_sample.c tests/remat_sample.h
# The layout pass: the graph before and after means the same.
check_PROGRAMS += tests/layout
tests_layout_SOURCES = tests/layout.c

# Recurrent layers.
check_PROGRAMS += tests/op_gru tests/op_lstm tests/op_rnn

# Indices and places along one dimension.
check_PROGRAMS += \
	tests/op_cum_sum \
	tests/op_gather \
	tests/op_gather_elements \
	tests/op_gather_nd \
	tests/op_grid_sample \
	tests/op_integers \
	tests/op_lrn \
	tests/op_one_hot \
	tests/op_reductions \
	tests/op_resize \
	tests/op_top_k \
	tests/op_trigonometry

# The passes on small graphs and lists, places, and random models through all of
# it.
check_PROGRAMS += \
	tests/debug_memory \
	tests/pack \
	tests/passes \
	tests/passes_steps \
	tests/plan_mutants \
	tests/random_budgets \
	tests/random_plans
random_models = \
	tests/random_gen.h tests/random_graph.c tests/random_graph.h \
	tests/random_layers.c tests/random_moves.c
tests_pack_SOURCES = tests/pack.c $(random_models)
tests_passes_SOURCES = \
	tests/passes.c tests/graph_run.c tests/graph_run.h $(random_models)
tests_passes_steps_SOURCES = tests/passes_steps.c
tests_debug_memory_SOURCES = \
	tests/debug_memory.c tests/graph_run.c tests/graph_run.h \
	tests/kernel_programs.c tests/plan_run.c tests/plan_run.h
tests_plan_mutants_SOURCES = \
	tests/plan_mutants.c tests/plan_mutant.c tests/plan_mutant.h \
	tests/plan_oracle.c tests/plan_oracle.h \
	tests/plan_sample.c tests/plan_sample.h $(random_models)
tests_random_budgets_SOURCES = \
	tests/random_budgets.c tests/graph_run.c tests/graph_run.h \
	tests/kernel_programs.c tests/plan_run.c tests/plan_run.h \
	$(random_models)
tests_random_plans_SOURCES = \
	tests/random_plans.c tests/graph_run.c tests/graph_run.h \
	tests/kernel_programs.c tests/plan_run.c tests/plan_run.h \
	$(random_models)
dist_folders += tests/data/passes
# Ops of sequence models.
check_PROGRAMS += \
	tests/kernels_embedding \
	tests/op_attention \
	tests/op_constant \
	tests/op_einsum \
	tests/op_embedding \
	tests/op_layer_normalization
tests_kernels_embedding_SOURCES = \
	tests/kernels_embedding.c tests/kernel_harness.c tests/kernel_harness.h
check_PROGRAMS += tests/op_global_max_pool
check_PROGRAMS += tests/op_prelu
check_PROGRAMS += tests/op_group_normalization

# Ops that name axes: parts, repeats, rows by index, scans.
check_PROGRAMS += \
	tests/op_split \
	tests/op_squeeze \
	tests/op_tile

# onnx/: models of other programs, and graphs made to be read or refused.
check_PROGRAMS += tests/onnx_export tests/onnx_graphs tests/onnx_models
tests_onnx_graphs_SOURCES = \
	tests/onnx_graphs.c tests/onnx_graph_cases.h tests/onnx_build.c tests/onnx_build.h
tests_onnx_graphs_LDADD = libonnx-import.la $(LDADD)
tests_onnx_export_SOURCES = tests/onnx_export.c
tests_onnx_export_LDADD = libonnx-import.la $(LDADD) $(CJSON_LIBS)
tests_onnx_models_SOURCES = tests/onnx_models.c
tests_onnx_models_LDADD = libonnx-import.la $(LDADD)
dist_check_SCRIPTS += tests/onnx_fine_tune.sh tests/onnx_import.sh
dist_folders += tests/data/onnx

# ONNX's own cases; the program is run by the script.
test_tools += tests/onnx_suite
tests_onnx_suite_SOURCES = \
	tests/onnx_suite.c tests/kernel_programs.c \
	tests/onnx_tensor.c tests/onnx_tensor.h
tests_onnx_suite_LDADD = libonnx-import.la libcompiler.la libcore.la
dist_check_SCRIPTS += tests/onnx_suite.sh
dist_folders += tests/onnx-suite

# Parsers on what fuzzers made; bench/fuzz.sh runs the fuzzers.
check_PROGRAMS += tests/fuzz_replay
tests_fuzz_replay_SOURCES = \
	tests/fuzz_replay.c tests/fuzz.c tests/fuzz.h \
	tests/plan_sample.c tests/plan_sample.h
tests_fuzz_replay_LDADD = libonnx-import.la $(LDADD)
dist_folders += tests/corpus
