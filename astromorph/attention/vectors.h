// What the passes of attention share: vectors as wide as the processor's registers, the tokens of a group, where tensors lie.
//
// A stack is one head of one input. Its Hebbian weight (features x width floats) stays in the first-level cache while
// tokens pass in groups of four. Sums are float32 whatever the tokens' type.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>
#include <omp.h>
#include "../native/numbers.h"

// One register of the processor: 16 numbers with AVX-512, 8 with AVX2, 4 elsewhere.
#if defined(__AVX512F__)
static const int L = 16, J = 2;  // numbers in a vector; vectors of a row that `group` holds in registers
#elif defined(__AVX__)
static const int L = 8, J = 1;
#else
static const int L = 4, J = 2;
#endif
typedef float vec __attribute__((vector_size(L * 4)));
typedef int32_t ivec __attribute__((vector_size(L * 4)));
static const int G = 4;       // tokens in a group
static const float TINY = 1.17549435e-38f;

static inline vec exp2v(vec x) {
    x = x > 127.f ? (vec){} + 127.f : x;
    x = x < -126.f ? (vec){} - 126.f : x;
    vec whole = (x + 12582912.f) - 12582912.f, f = x - whole;
    vec p = 1.5252734e-5f + (vec){};
    p = p * f + 1.5403530e-4f; p = p * f + 1.3333558e-3f; p = p * f + 9.6181291e-3f;
    p = p * f + 5.5504109e-2f; p = p * f + 2.4022651e-1f; p = p * f + 6.9314718e-1f; p = p * f + 1.f;
    ivec scale = (__builtin_convertvector(whole, ivec) + 127) << 23;
    return p * (vec)scale;
}
static inline vec log2v(vec x) {  // x > 0, normal
    ivec bits = (ivec)x, exponent = ((bits - 0x3f3504f3) >> 23);
    vec m = (vec)(bits - (exponent << 23)), s = (m - 1.f) / (m + 1.f), t = s * s;
    vec series = ((((0.1111111f * t + 0.1428571f) * t + 0.2f) * t + 0.3333333f) * t + 1.f) * s;
    return __builtin_convertvector(exponent, vec) + series * 2.8853901f;
}
static inline vec activity(vec x) {  // elu(x) + 1
    vec low = exp2v((x < 0.f ? x : (vec){}) * 1.44269504f);
    return x > 0.f ? x + 1.f : (x == x ? low : x);
}
static inline vec slope(vec a) { return a < 1.f ? a : (vec){} + 1.f; }
static inline float total(vec x) {
    float sum[L]; memcpy(sum, &x, sizeof x);
    for (int half = L / 2; half; half /= 2) for (int i = 0; i < half; i++) sum[i] += sum[i + half];
    return sum[0];
}

struct Rho {  // calcium response of the mean activity: 0 linear, 1 power law, 2 Hill
    int kind; float baseline, amplitude, exponent, half;
    inline void at(vec x, vec& value, vec& derivative) const {
        x = x > TINY ? x : (vec){} + TINY;
        vec p = exp2v(log2v(x) * exponent);
        if (kind == 1) { value = baseline + amplitude * p; derivative = amplitude * exponent * p / x; return; }
        vec below = half + p;
        value = baseline + amplitude * (p / below);
        derivative = amplitude * exponent * (p / x) * (half / below) / below;
    }
};

// h_t = h_{t-1} + x_t y_t for each row of the state; out_t += z_t h_t. Rows x width floats; x, z index rows.
template <bool WRITE, bool READ>
static void group(float* state, int rows, int width, const float* x, const float* y, const float* z, float* out) {
    for (int p = 0; p < width; p += J * L) {
        vec ys[G][J], sum[G][J];
        for (int t = 0; t < G; t++) for (int j = 0; j < J; j++) {
            if (WRITE) ys[t][j] = *(const vec*)(y + t * width + p + L * j);
            if (READ) sum[t][j] = *(const vec*)(out + t * width + p + L * j);
        }
        for (int r = 0; r < rows; r++) {
            vec* place = (vec*)(state + (i64)r * width + p);
            vec h[J];
            for (int j = 0; j < J; j++) h[j] = place[j];
            for (int t = 0; t < G; t++) for (int j = 0; j < J; j++) {
                if (WRITE) h[j] += x[t * width + r] * ys[t][j];
                if (READ) sum[t][j] += z[t * width + r] * h[j];
            }
            if (WRITE) for (int j = 0; j < J; j++) place[j] = h[j];
        }
        if (READ) for (int t = 0; t < G; t++) for (int j = 0; j < J; j++) *(vec*)(out + t * width + p + L * j) = sum[t][j];
    }
}

struct Tensor4 { char* data; i64 batch, head, token; };  // strides in numbers
struct Job {
    const Tensor4* tensors; i64 batch, heads, queries, keys, features, value_features, width;
    const float *decay, *strength, *fading; Rho rho; bool relative, both;  // a number a head; from both sides
    i64 input, head;  // of the stack at work
    template <class T> T* row(int which, i64 stack, i64 token) const {
        const Tensor4& x = tensors[which];
        return x.data ? (T*)x.data + input * x.batch + head * x.head + token * x.token : nullptr;
    }
    float* own(int which, i64 stack, i64 token) const {  // this thread's sum over inputs
        const Tensor4& x = tensors[which];
        return x.data ? (float*)x.data + omp_get_thread_num() * x.batch + head * x.head + token * x.token : nullptr;
    }
};

struct Buffer {  // aligned floats, zero at first
    std::vector<float> room; float* start;
    explicit Buffer(i64 n) : room(n + 16, 0.f) { start = (float*)(((uintptr_t)room.data() + 63) & ~(uintptr_t)63); }
    operator float*() const { return start; }
    vec& operator()(i64 i) const { return *(vec*)(start + i); }
};

template <class T> static inline void load(const T* from, i64 n, float* to) { for (i64 i = 0; i < n; i++) to[i] = number(from[i]); }
template <class T> static inline void store(T* to, i64 n, const float* from) { for (i64 i = 0; i < n; i++) assign(to[i], from[i]); }
static inline void clear(float* x, i64 n) { memset(x, 0, n * sizeof(float)); }
static inline void activate(float* x, i64 n, i64 width) {
    for (i64 i = 0; i < width; i += L) *(vec*)(x + i) = activity(*(vec*)(x + i));
    for (i64 i = n; i < width; i++) x[i] = 0;
}
static inline void scale(float* x, i64 width, float by) { for (i64 i = 0; i < width; i += L) *(vec*)(x + i) *= by; }
static inline float dot(const float* x, const float* y, i64 width) {
    vec s = {}; for (i64 i = 0; i < width; i += L) s += *(const vec*)(x + i) * *(const vec*)(y + i); return total(s);
}

// Four tokens from `t` on of one tensor: rows of `width` floats, silent past `n` tokens and where not kept.
template <class T> static void tokens(const Job& j, int which, i64 stack, i64 t, i64 n, i64 features, float* to) {
    for (int g = 0; g < G; g++) if (t + g < n) load(j.row<T>(which, stack, t + g), features, to + g * j.width); else clear(to + g * j.width, j.width);
}
static inline float kept(const Job& j, int which, i64 stack, i64 t, i64 n) {
    if (t >= n) return 0.f;
    const uint8_t* k = j.row<uint8_t>(which, stack, t);
    return k ? (float)*k : 1.f;
}
template <class T> static void active(const Job& j, int which, i64 stack, i64 t, i64 n, float* to) {
    tokens<T>(j, which, stack, t, n, j.features, to);
    for (int g = 0; g < G; g++) activate(to + g * j.width, j.features, j.width);
}

// tensors: 0 query 1 key 2 value 3 keep 4 output 5 inverse 6 gradient 7 to_query 8 to_key 9 to_value
//          10 weight 11 activity 12 calcium 13 to_weight 14 to_activity/to_calcium 15 to_parameters (strength, decay)
//          16 drive, added to the activity of keys 17 to_drive: (threads, heads, tokens, features), zero at first
enum { Q, K, V, KEEP, OUT, INV, DOUT, DQ, DK, DV, H, S, CA, DH, DCA, DP, DRIVE, DDRIVE };

static inline void driven(const Job& j, i64 stack, i64 t, float* activity) {
    const float* w = j.row<float>(DRIVE, stack, t);
    if (!w) return;
    #pragma omp simd
    for (i64 i = 0; i < j.features; i++) activity[i] += w[i];
}

// sizes: work, type, threads, batch, heads, queries, keys, features, value features; tensors: data, three strides each;
// rho: kind, baseline, amplitude, exponent, half^exponent; decay, strength, fading: a number a head, or null
typedef void (*Work)(const Job&, i64);
static void run(Work work, const i64* sizes, const Tensor4* tensors, const float* rho, const float* decay, const float* strength, const float* fading, bool both) {
    i64 width = (std::max(sizes[7], sizes[8]) + 31) / 32 * 32;
    Job j{tensors, sizes[3], sizes[4], sizes[5], sizes[6], sizes[7], sizes[8], width, decay, strength, fading,
          Rho{(int)rho[0], rho[1], rho[2], rho[3], rho[4]}, decay != nullptr, both, 0, 0};
    const auto at = [&](i64 stack) { Job mine = j; mine.input = stack / j.heads; mine.head = stack % j.heads; work(mine, stack); };
    i64 stacks = j.batch * j.heads, threads = std::max<i64>(1, std::min(sizes[2], stacks));
    if (tensors[DDRIVE].data) {  // sums of each thread: the same stacks every time
        #pragma omp parallel for schedule(static) num_threads(threads)
        for (i64 stack = 0; stack < stacks; stack++) at(stack);
        return;
    }
    #pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (i64 stack = 0; stack < stacks; stack++) at(stack);
}
