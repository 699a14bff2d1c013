// One token of a causal stream, streaming.py: the states of all heads move on, and each is read.
#include <cmath>
#include "vectors.h"

// What each place of `places` points to; the next state after the last one. Tokens are (batch, heads, features) with
// their features and heads adjacent, states and output without gaps. With projections, QUERY is the token and OUTPUT the
// layer's, (batch, width) each.
enum { QUERY, KEY, VALUE, OUTPUT, WEIGHT, ACTIVITY, REACH, VALUES, MASS, NEXT };
struct Sizes { i64 batch, heads, features, value_features, query, key, value; };  // the last three: from input to input
struct Projections { const float *in, *in_bias, *out, *out_bias; };  // (3 width, width) and (width, width), and biases or null
struct Numbers { const float *rho, *fading, *rate, *strength; };  // rho: as in vectors.h; else a number a head, or null

static void affine(const float* weight, const float* bias, const float* x, i64 rows, i64 columns, float scale, float* to) {
    for (i64 row = 0; row < rows; row++) {
        const float* from = weight + row * columns;
        float sum = 0;
        #pragma omp simd reduction(+ : sum)
        for (i64 i = 0; i < columns; i++) sum += from[i] * x[i];
        to[row] = scale * sum + (bias ? bias[row] : 0);
    }
}

static void one_head(const Sizes& z, float* const* places, const Numbers& numbers, const Rho& response, i64 stack, const float* query, const float* key, const float* v, float* output) {
    const i64 F = z.features, E = z.value_features, W = (std::max(F, E) + 31) / 32 * 32, h = stack % z.heads;
    Buffer a(W), b(W), s(W), sum(W);
    const float f = numbers.fading ? std::exp(-numbers.fading[h]) : 1;
    const auto of = [&](int which, i64 width) { return places[which] + stack * width; };
    const auto next = [&](int which, i64 width) { return places[which - WEIGHT + NEXT] + stack * width; };
    load(query, F, b.start); activate(b, F, W);
    load(key, F, a.start); activate(a, F, W);
    load(of(ACTIVITY, F), F, s.start);
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
    if (numbers.rate) {
        const float d = std::exp(-numbers.rate[h]), gain = numbers.strength[h];
        const float *from = of(VALUES, E); float *to = next(VALUES, E), *out = sum;
        for (i64 i = 0; i < E; i++) { to[i] = d * from[i] + v[i]; out[i] += gain * to[i]; }
        calcium += gain * (*next(MASS, 1) = d * *of(MASS, 1) + 1);
    }
    scale(sum, W, calcium > TINY ? 1 / calcium : 0);
    store(output, E, (const float*)sum);
}

// gain: of what is projected outwards
extern "C" void astromorph_step(const Sizes* sizes, float* const* places, const Numbers* numbers, const Projections* projections, const float* gain) {
    const Sizes& z = *sizes;
    const float* rho = numbers->rho;
    const Rho response{(int)rho[0], rho[1], rho[2], rho[3], rho[4]};
    const i64 width = z.heads * z.features;
    std::vector<float> projected(projections ? 3 * width : 0), read(projections ? width : 0);
    for (i64 input = 0; input < z.batch; input++) {
        const float *q = places[QUERY] + input * z.query, *k = places[KEY] + input * z.key, *v = places[VALUE] + input * z.value;
        float* output = places[OUTPUT] + input * z.heads * z.value_features;
        if (projections) {
            affine(projections->in, projections->in_bias, q, 3 * width, width, 1, projected.data());
            q = projected.data(); k = q + width; v = k + width; output = read.data();
        }
        for (i64 h = 0; h < z.heads; h++)
            one_head(z, places, *numbers, response, input * z.heads + h, q + h * z.features, k + h * z.features, v + h * z.value_features, output + h * z.value_features);
        if (projections) affine(projections->out, projections->out_bias, read.data(), width, width, *gain, places[OUTPUT] + input * width);
    }
}
