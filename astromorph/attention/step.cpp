// One token of a causal stream, streaming.py: the states of all heads move on, and each is read.
#include <cmath>
#include "vectors.h"

// What each place of `places` points to; the next state after the last one. Tokens are (batch, heads, features) with
// their features and heads adjacent, states and output without gaps.
enum { QUERY, KEY, VALUE, OUTPUT, WEIGHT, ACTIVITY, REACH, VALUES, MASS, NEXT };
struct Sizes { i64 batch, heads, features, value_features, query, key, value; };  // the last three: from input to input

// rho: as in vectors.h, or null if it is linear; fading, rate, strength: a number a head, or null
extern "C" void astromorph_step(const Sizes* sizes, float* const* places, const float* rho, const float* fading, const float* rate, const float* strength) {
    const i64 heads = sizes->heads, F = sizes->features, E = sizes->value_features, W = (std::max(F, E) + 31) / 32 * 32;
    const Rho response = rho ? Rho{(int)rho[0], rho[1], rho[2], rho[3], rho[4]} : Rho{0, 0, 0, 0, 0};
    Buffer a(W), b(W), s(W), sum(W);
    for (i64 stack = 0; stack < sizes->batch * heads; stack++) {
        const i64 h = stack % heads, input = stack / heads;
        const float f = fading ? std::exp(-fading[h]) : 1;
        const auto of = [&](int which, i64 width) { return places[which] + stack * width; };
        const auto next = [&](int which, i64 width) { return places[which - WEIGHT + NEXT] + stack * width; };
        load(places[QUERY] + input * sizes->query + h * F, F, b.start); activate(b, F, W);
        load(places[KEY] + input * sizes->key + h * F, F, a.start); activate(a, F, W);
        const float* v = places[VALUE] + input * sizes->value + h * E;
        clear(sum, W); load(of(ACTIVITY, F), F, s.start);
        for (i64 row = 0; row < F; row++) {
            const float *from = of(WEIGHT, F * E) + row * E, write = a[row], read = b[row]; float *to = next(WEIGHT, F * E) + row * E, *out = sum;
            #pragma omp simd
            for (i64 i = 0; i < E; i++) { const float x = f * from[i] + write * v[i]; to[i] = x; out[i] += read * x; }
        }
        const float count = *next(REACH, 1) = f * *of(REACH, 1) + 1;
        vec read = {};
        for (i64 i = 0; i < W; i += L) {
            s(i) = f * s(i) + a(i);
            vec stored = s(i), unused;
            if (response.kind) { response.at(s(i) / count, stored, unused); stored *= count; }
            read += b(i) * stored;
        }
        store(next(ACTIVITY, F), F, (const float*)s);
        float calcium = total(read);
        if (rate) {
            const float d = std::exp(-rate[h]), gain = strength[h];
            const float *from = of(VALUES, E); float *to = next(VALUES, E), *out = sum;
            for (i64 i = 0; i < E; i++) { to[i] = d * from[i] + v[i]; out[i] += gain * to[i]; }
            calcium += gain * (*next(MASS, 1) = d * *of(MASS, 1) + 1);
        }
        scale(sum, W, calcium > TINY ? 1 / calcium : 0);
        store(of(OUTPUT, E), E, (const float*)sum);
    }
}
