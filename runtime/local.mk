# Part of libplancl: plan -> command queue.

# What everything shares, and the plan as an object, a file and a text.
libplancl_la_SOURCES += \
	runtime/arena.c \
	runtime/base.h \
	runtime/file.c \
	runtime/message.c \
	runtime/plan.c \
	runtime/plan.h \
	runtime/plan_contents.c \
	runtime/plan_draw.c \
	runtime/plan_file.c \
	runtime/plan_inspect.c \
	runtime/plan_io.h \
	runtime/plan_json.h \
	runtime/plan_json_read.c \
	runtime/plan_json_value.c \
	runtime/plan_json_value.h \
	runtime/plan_json_write.c \
	runtime/plan_lifetimes.c \
	runtime/plan_live.c \
	runtime/plan_live.h \
	runtime/plan_map.c \
	runtime/plan_print.c \
	runtime/plan_ranges.c \
	runtime/plan_verify.c \
	runtime/plancl.h \
	runtime/range_map.c \
	runtime/range_map.h \
	runtime/sha256.c \
	runtime/text.c

# Sessions: devices, programs, memory, weights, times.
libplancl_la_SOURCES += \
	runtime/cl.c \
	runtime/cl.h \
	runtime/device.c \
	runtime/device.h \
	runtime/host_memory.c \
	runtime/host_memory.h \
	runtime/permute.c \
	runtime/profile.c \
	runtime/profile.h \
	runtime/profile_write.c \
	runtime/program.c \
	runtime/program.h \
	runtime/run.c \
	runtime/safetensors.c \
	runtime/safetensors.h \
	runtime/safetensors_parse.c \
	runtime/safetensors_write.c \
	runtime/session.c \
	runtime/session.h \
	runtime/session_layout.c \
	runtime/session_memory.c \
	runtime/session_state.h \
	runtime/tensors.c \
	runtime/tensors.h \
	runtime/trace.c \
	runtime/weights.c

# Shipped profiles of devices, to copy from; profile.c has the same.
profilesdir = $(pkgdatadir)/profiles
dist_profiles_DATA = \
	runtime/profiles/cpu.json \
	runtime/profiles/generic.json \
	runtime/profiles/t4.json
