/*
 * preamble.cl: comes once, first, in every program.
 *
 * Storage: an operand X has an option X=f32 or X=f16 (dtype_name).  T(X) is
 * its type in memory; LD, LD16, LD16N, ST, ST16, ST16N read and write it as
 * float, one or 16 neighbours, or the first n of 16.  Pointers are __global.
 * Everything is computed in float.
 *
 * Bits: a product and the sum it goes into stand in one expression, so that
 * they are contracted the same way in vectors, in tails and in plain kernels.
 */
#pragma OPENCL FP_CONTRACT ON

/* 16 floats at any float's address: one unaligned load or store. */
typedef float16 __attribute__((aligned(4))) float16u;
typedef ushort16 __attribute__((aligned(2))) ushort16u;

/* Helpers take arrays of vectors, which a real call would put into memory. */
#define INLINE static inline __attribute__((always_inline))
#define RARE static __attribute__((noinline))
#define ONE_ITEM __attribute__((reqd_work_group_size(1, 1, 1)))

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

/* bool is stored as bytes of 0 and 1, as ONNX and NumPy have it. */
#define T_f32 float
#define T_f16 half
#define T_i32 int
#define T_i64 long
#define T_u8 uchar
#define T_i8 char
#define T_bool uchar
#define T(X) PASTE(T_, X)

#define LD(X, p, i) PASTE(LD_, X)(p, i)
#define ST(X, p, i, v) PASTE(ST_, X)(p, i, v)
#define LD16(X, p, i) PASTE(ld16_, X)((p) + (i))
#define ST16(X, p, i, v) PASTE(st16_, X)((p) + (i), v)
#define LD16N(X, p, i, n) PASTE(ld16n_, X)((p) + (i), n)
#define ST16N(X, p, i, v, n) PASTE(st16n_, X)((p) + (i), v, n)

#define LD_f32(p, i) ((p)[i])
#define LD_f16(p, i) vload_half(i, p)
#define LD_i32(p, i) ((p)[i])
#define LD_i64(p, i) ((p)[i])
#define LD_u8(p, i) ((p)[i])
#define LD_i8(p, i) ((p)[i])
#define LD_bool(p, i) ((p)[i])
#define ST_f32(p, i, v) ((p)[i] = (v))
#define ST_f16(p, i, v) vstore_half(v, i, p)
#define ST_i32(p, i, v) ((p)[i] = (v))
#define ST_i64(p, i, v) ((p)[i] = (v))
#define ST_u8(p, i, v) ((p)[i] = (v))
#define ST_i8(p, i, v) ((p)[i] = (v))
#define ST_bool(p, i, v) ((p)[i] = (v))

INLINE float16 ld16_f32(const __global float *p)
{
    return *(const __global float16u *)p;
}

INLINE void st16_f32(__global float *p, float16 v)
{
    *(__global float16u *)p = v;
}

/* pocl 3.1 takes the address of vload_half16 for aligned, against the
 * standard: so it gets an aligned copy. */
INLINE float16 ld16_f16(const __global half *p)
{
    const ushort16 bits = *(const __global ushort16u *)p;

    return vload_half16(0, (const half *)&bits);
}

INLINE void st16_f16(__global half *p, float16 v)
{
    ushort16 bits;

    vstore_half16(v, 0, (half *)&bits);
    *(__global ushort16u *)p = bits;
}

/* The first n of 16, and zeros: never touches what lies behind.  The rare path
 * is a call, which halves the time to compile a kernel with many. */
RARE float16 ld16_tail_f32(const __global float *p, int n)
{
    float v[16];

    for (int i = 0; i < 16; i++)
        v[i] = i < n ? p[i] : 0.0f;
    return vload16(0, v);
}

RARE float16 ld16_tail_f16(const __global half *p, int n)
{
    float v[16];

    for (int i = 0; i < 16; i++)
        v[i] = i < n ? vload_half(i, p) : 0.0f;
    return vload16(0, v);
}

RARE void st16_tail_f32(__global float *p, float16 v, int n)
{
    float a[16];

    vstore16(v, 0, a);
    for (int i = 0; i < n; i++)
        p[i] = a[i];
}

RARE void st16_tail_f16(__global half *p, float16 v, int n)
{
    float a[16];

    vstore16(v, 0, a);
    for (int i = 0; i < n; i++)
        vstore_half(a[i], i, p);
}

/* n may be above 16: callers pass what is left of a row. */
INLINE float16 ld16n_f32(const __global float *p, int n)
{
    return n >= 16 ? ld16_f32(p) : ld16_tail_f32(p, n);
}

INLINE float16 ld16n_f16(const __global half *p, int n)
{
    return n >= 16 ? ld16_f16(p) : ld16_tail_f16(p, n);
}

INLINE void st16n_f32(__global float *p, float16 v, int n)
{
    if (n >= 16)
        st16_f32(p, v);
    else
        st16_tail_f32(p, v, n);
}

INLINE void st16n_f16(__global half *p, float16 v, int n)
{
    if (n >= 16)
        st16_f16(p, v);
    else
        st16_tail_f16(p, v, n);
}

/* Transpose 16 vectors in place: four times the perfect shuffle of rows. */
INLINE void transpose16(float16 *v)
{
#pragma unroll
    for (int round = 0; round < 4; round++) {
        float16 t[16];

#pragma unroll
        for (int i = 0; i < 8; i++) {
            float16 a = v[i], b = v[i + 8];

            t[2 * i] = (float16)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3,
                                 b.s3, a.s4, b.s4, a.s5, b.s5, a.s6, b.s6,
                                 a.s7, b.s7);
            t[2 * i + 1] = (float16)(a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb,
                                     b.sb, a.sc, b.sc, a.sd, b.sd, a.se, b.se,
                                     a.sf, b.sf);
        }
#pragma unroll
        for (int i = 0; i < 16; i++)
            v[i] = t[i];
    }
}

/* Two scalars of a launch, put together (launch_u64). */
INLINE ulong join(uint low, uint high)
{
    return (ulong)high << 32 | low;
}

/* Integers, where no number may stop the device: 0 for what has no result. */
INLINE long int_quotient(long a, long b)
{
    return b == 0 ? 0 : b == -1 ? (long)-(ulong)a : a / b;
}

/* With a's sign, as C's. */
INLINE long int_trunc_mod(long a, long b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}

/* With b's sign. */
INLINE long int_floor_mod(long a, long b)
{
    const long r = int_trunc_mod(a, b);

    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

INLINE long int_power(long a, long b)
{
    ulong y = 1, x = a;

    if (b < 0)
        return a == 1 ? 1 : a == -1 ? 1 - 2 * (b & 1) : 0;
    for (ulong n = b; n; n >>= 1, x *= x)
        y *= n & 1 ? x : 1;
    return y;
}

/* First sample of this micro-batch that belongs to a lane; the next ones
 * follow `lanes` apart.  Sample n has lane (first + n) mod lanes. */
INLINE uint lane_start(uint lane, uint lanes, uint first)
{
    return (lane + lanes - first % lanes) % lanes;
}
