# Benchmarks print and assert nothing; built when asked for by name, as in
# `make bench/kernels`.
EXTRA_PROGRAMS = \
	bench/convs bench/fuzz bench/kernels bench/onnx_models bench/planner
EXTRA_DIST += \
	bench/budgets.sh bench/fit.sh bench/fuzz.sh bench/made_up.sh bench/onnx_check.sh \
	bench/onnx_models.sh bench/one_step.sh bench/predictions.sh bench/random_models.sh
# For clang alone: fuzz.sh builds it.
bench_fuzz_SOURCES = \
	bench/fuzz.c tests/fuzz.c tests/fuzz.h \
	tests/plan_sample.c tests/plan_sample.h
bench_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
bench_fuzz_LDADD = libonnx-import.la libcompiler.la libdata.la libcore.la
bench_convs_SOURCES = \
	bench/convs.c tests/kernel_harness.c tests/kernel_harness.h
bench_kernels_SOURCES = \
	bench/kernels.c tests/kernel_harness.c tests/kernel_harness.h
bench_onnx_models_SOURCES = \
	bench/onnx_models.c tests/onnx_tensor.c tests/onnx_tensor.h
bench_onnx_models_LDADD = libonnx-import.la $(LDADD)
bench_planner_SOURCES = \
	bench/planner.c bench/planner_remat.c bench/planner_remat.h \
	tests/remat_instance.c tests/remat_instance.h
