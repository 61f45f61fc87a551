# The program, one file per command.
bin_PROGRAMS += cli/plancl

cli_plancl_SOURCES = \
    cli/calibrate.c \
    cli/calibrate_probe.c \
    cli/calibrate_probe.h \
    cli/command.h \
    cli/compile.c \
    cli/devices.c \
    cli/evaluate.c \
    cli/explain.c \
    cli/explain.h \
    cli/export.c \
    cli/feed.c \
    cli/feed.h \
    cli/fit.c \
    cli/import.c \
    cli/inspect.c \
    cli/interrupt.c \
    cli/interrupt.h \
    cli/main.c \
    cli/meters.c \
    cli/meters.h \
    cli/model_file.c \
    cli/model_file.h \
    cli/ops.c \
    cli/options.c \
    cli/options.h \
    cli/output.c \
    cli/output.h \
    cli/pocl_env.c \
    cli/pocl_env.h \
    cli/predict.c \
    cli/profile_report.c \
    cli/profile_report.h \
    cli/ranking.c \
    cli/ranking.h \
    cli/rate_fit.c \
    cli/rate_fit.h \
    cli/report.c \
    cli/report.h \
    cli/run.c \
    cli/run.h \
    cli/step_timer.c \
    cli/step_timer.h \
    cli/target.c \
    cli/target.h \
    cli/train.c \
    cli/train_log.c \
    cli/train_log.h \
    cli/verify.c
cli_plancl_LDADD = libonnx-import.la libcompiler.la libdata.la libcore.la

dist_man_MANS += \
    cli/man/plancl.1 \
    cli/man/plancl-calibrate.1 \
    cli/man/plancl-compile.1 \
    cli/man/plancl-devices.1 \
    cli/man/plancl-evaluate.1 \
    cli/man/plancl-export.1 \
    cli/man/plancl-fit.1 \
    cli/man/plancl-import.1 \
    cli/man/plancl-inspect.1 \
    cli/man/plancl-ops.1 \
    cli/man/plancl-predict.1 \
    cli/man/plancl-train.1 \
    cli/man/plancl-verify.1
