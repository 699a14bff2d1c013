// What a small transformer does between its matrix products, each in one pass over memory: see fused.py.
//
// Rows are tokens. Numbers are float32 or bfloat16, arithmetic is float32. Every thread takes an equal, fixed share of
// the rows and has sums of its own, so the same number of threads gives the same bits.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>
#include "../native/numbers.h"

struct Sizes { i64 stream, branch, threads, inputs, tokens, width; };  // types: 0 float32, 1 bfloat16
static inline i64 share(i64 n, i64 part, i64 parts) { return n * part / parts; }

// y = weight · (s - mean) / deviation + bias, s = (x + branch) · mask; stats: mean and 1/deviation of every row
template <class X, class B>
static void add_norm(const Sizes& z, const X* x, const B* branch, const float* mask, const float* weight, const float* bias, float eps, X* y, float* stats) {
    const i64 W = z.width, rows = z.inputs * z.tokens;
    #pragma omp parallel for schedule(static) num_threads(z.threads)
    for (i64 part = 0; part < z.threads; part++) {
        std::vector<float> s(W);
        for (i64 r = share(rows, part, z.threads); r < share(rows, part + 1, z.threads); r++) {
            const X* xr = x + r * W; const B* br = branch + r * W; X* yr = y + r * W;
            const float* m = mask ? mask + r / z.tokens * W : nullptr;
            float sum = 0, square = 0;
            #pragma omp simd reduction(+ : sum)
            for (i64 i = 0; i < W; i++) { float v = number(xr[i]) + number(br[i]); s[i] = v; sum += v; }
            if (m) {
                sum = 0;
                #pragma omp simd reduction(+ : sum)
                for (i64 i = 0; i < W; i++) { s[i] *= m[i]; sum += s[i]; }
            }
            const float mean = sum / W;
            #pragma omp simd reduction(+ : square)
            for (i64 i = 0; i < W; i++) square += (s[i] - mean) * (s[i] - mean);
            const float scale = 1 / std::sqrt(square / W + eps);
            #pragma omp simd
            for (i64 i = 0; i < W; i++) assign(yr[i], (s[i] - mean) * scale * weight[i] + bias[i]);
            stats[2 * r] = mean; stats[2 * r + 1] = scale;
        }
    }
}

// to_sum: gradient of x and of branch; to_parameters: (threads, 2, width), of weight and bias
template <class X, class B>
static void add_norm_back(const Sizes& z, const X* x, const B* branch, const float* mask, const float* weight, const float* stats, const X* gradient, B* to_sum, float* to_parameters) {
    const i64 W = z.width, rows = z.inputs * z.tokens;
    #pragma omp parallel for schedule(static) num_threads(z.threads)
    for (i64 part = 0; part < z.threads; part++) {
        std::vector<float> room(2 * W), sums(2 * W);
        float *h = room.data(), *g = h + W, *to_weight = sums.data(), *to_bias = to_weight + W;
        for (i64 r = share(rows, part, z.threads); r < share(rows, part + 1, z.threads); r++) {
            const X *xr = x + r * W, *gr = gradient + r * W; const B* br = branch + r * W; B* to = to_sum + r * W;
            const float *m = mask ? mask + r / z.tokens * W : nullptr, mean = stats[2 * r], scale = stats[2 * r + 1];
            #pragma omp simd
            for (i64 i = 0; i < W; i++) h[i] = number(xr[i]) + number(br[i]);
            if (m) {
                #pragma omp simd
                for (i64 i = 0; i < W; i++) h[i] *= m[i];
            }
            float along = 0, along_h = 0;
            #pragma omp simd reduction(+ : along, along_h)
            for (i64 i = 0; i < W; i++) {
                float hi = (h[i] - mean) * scale, gi = number(gr[i]);
                to_weight[i] += gi * hi; to_bias[i] += gi;
                gi *= weight[i]; along += gi; along_h += gi * hi;
                h[i] = hi; g[i] = gi;
            }
            along /= W; along_h /= W;
            if (m) {
                #pragma omp simd
                for (i64 i = 0; i < W; i++) assign(to[i], (g[i] - along - h[i] * along_h) * scale * m[i]);
            } else {
                #pragma omp simd
                for (i64 i = 0; i < W; i++) assign(to[i], (g[i] - along - h[i] * along_h) * scale);
            }
        }
        memcpy(to_parameters + part * 2 * W, sums.data(), 2 * W * sizeof(float));
    }
}

// out = (table[word] + positions[place]) · mask
template <class X>
static void embed(const Sizes& z, const i64* words, const float* table, const float* positions, const float* mask, X* out) {
    const i64 W = z.width, rows = z.inputs * z.tokens;
    #pragma omp parallel for schedule(static) num_threads(z.threads)
    for (i64 part = 0; part < z.threads; part++)
        for (i64 r = share(rows, part, z.threads); r < share(rows, part + 1, z.threads); r++) {
            const float *word = table + words[r] * W, *place = positions + r % z.tokens * W;
            const float* m = mask ? mask + r / z.tokens * W : nullptr;
            if (m) {
                #pragma omp simd
                for (i64 i = 0; i < W; i++) assign(out[r * W + i], (word[i] + place[i]) * m[i]);
            } else {
                #pragma omp simd
                for (i64 i = 0; i < W; i++) assign(out[r * W + i], word[i] + place[i]);
            }
        }
}

// Adds to to_table and to_positions; a word belongs to one thread, and so does a place.
template <class X>
static void embed_back(const Sizes& z, const i64* words, const float* mask, const X* gradient, float* to_table, float* to_positions) {
    const i64 W = z.width, T = z.tokens;
    #pragma omp parallel for schedule(static) num_threads(z.threads)
    for (i64 part = 0; part < z.threads; part++) {
        std::vector<float> ones(W, 1.f);
        const i64 from = share(T, part, z.threads), to = share(T, part + 1, z.threads);
        for (i64 b = 0; b < z.inputs; b++) {
            const float* m = mask ? mask + b * W : ones.data();
            for (i64 t = 0; t < T; t++) {
                const bool mine = words[b * T + t] % z.threads == part, here = from <= t && t < to;
                const X* g = gradient + (b * T + t) * W;
                float *word = to_table + words[b * T + t] * W, *place = to_positions + t * W;
                if (mine) {
                    #pragma omp simd
                    for (i64 i = 0; i < W; i++) word[i] += number(g[i]) * m[i];
                }
                if (here) {
                    #pragma omp simd
                    for (i64 i = 0; i < W; i++) place[i] += number(g[i]) * m[i];
                }
            }
        }
    }
}

#define FOR_TYPES(CALL)                                                         \
    if (z->stream == 0 && z->branch == 0) { typedef float X; typedef float B; CALL; }  \
    else if (z->stream == 0) { typedef float X; typedef bf16 B; CALL; }         \
    else { typedef bf16 X; typedef bf16 B; CALL; }

extern "C" void astromorph_add_norm(const Sizes* z, const void* x, const void* branch, const float* mask, const float* weight, const float* bias, float eps, void* y, float* stats) {
    FOR_TYPES((add_norm<X, B>(*z, (const X*)x, (const B*)branch, mask, weight, bias, eps, (X*)y, stats)))
}
extern "C" void astromorph_add_norm_back(const Sizes* z, const void* x, const void* branch, const float* mask, const float* weight, const float* stats, const void* gradient, void* to_sum, float* to_parameters) {
    FOR_TYPES((add_norm_back<X, B>(*z, (const X*)x, (const B*)branch, mask, weight, stats, (const X*)gradient, (B*)to_sum, to_parameters)))
}
extern "C" void astromorph_embed(const Sizes* z, const i64* words, const float* table, const float* positions, const float* mask, void* out) {
    FOR_TYPES((embed<X>(*z, words, table, positions, mask, (X*)out)))
}
extern "C" void astromorph_embed_back(const Sizes* z, const i64* words, const float* mask, const void* gradient, float* to_table, float* to_positions) {
    FOR_TYPES((embed_back<X>(*z, words, mask, (const X*)gradient, to_table, to_positions)))
}
