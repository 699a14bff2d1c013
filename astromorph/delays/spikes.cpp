// Delayed connections spike by spike, forward and back to weights and delays: see spikes.py.
//
// One output at a time: its row over all samples and steps stays in the cache, the taps of one synapse in registers.
// The spikes of an input are sorted by time, so those whose tap still falls into the sequence are the first so many.
// Every thread has outputs of its own: any number of threads gives the same bits.
#include <algorithm>
#include <cmath>
#include <vector>
#include "../native/numbers.h"

static const i64 LANES = 8, BLOCK = 16, ROOM = LANES;  // taps at once; outputs at once; zeros after each row
struct Sizes { i64 batch, time, inputs, outputs, longest, kernel, threads, ones; double width; };
struct Spikes { const int32_t *start, *place; const void* value; };  // see Spikes in spikes.py

template <class X> struct Vector { typedef X type __attribute__((vector_size(LANES * sizeof(X)))); };
template <class X> static inline typename Vector<X>::type load(const X* p) { typename Vector<X>::type v; memcpy(&v, p, sizeof v); return v; }

static inline double power(double x) { return std::exp(x); }
static inline float power(float x) {  // exp for x <= 0, to two units in the last place; 0 below -87
    const float shifter = 12582912.f, t = std::max(x, -87.5f) * 1.44269504f + shifter, n = t - shifter;
    const float f = (std::max(x, -87.5f) - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f; p = p * f + 8.3334519073e-3f; p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f; p = p * f + 5.0000001201e-1f; p = p * f * f + f + 1;
    int32_t bits; memcpy(&bits, &t, 4);
    bits = (bits - 0x4b400000 + 127) << 23;
    float scale; memcpy(&scale, &bits, 4);
    return x < -87 ? 0 : p * scale;
}

// The taps of a synapse, those that matter at this precision: heights, their derivatives by the delay, and both sums.
template <class X>
struct Taps {
    std::vector<X> height, slope;
    i64 first = 0, count = 0, longest;
    X sum = 0, sum_slope = 0, width, sharpness, smallest;
    bool gaussian;

    explicit Taps(const Sizes& z)
        : height(z.longest + 1 + 4 * LANES), slope(z.longest + 1 + 4 * LANES), longest(z.longest), width(z.width),
          sharpness(1 / (z.width * z.width)), smallest(sizeof(X) == 4 ? 17 : 37), gaussian(z.kernel == 0) {}

    void place(X delay) {
        const X near = std::fmin((X)longest, std::fmax((X)0, std::rint(delay))) - delay;
        const X radius = gaussian ? std::sqrt(near * near + 2 * smallest / sharpness) : 1 + width;
        const X low = std::fmax((X)0, std::fmin((X)longest, std::ceil(delay - radius)));
        const X high = std::fmax((X)0, std::fmin((X)longest, std::floor(delay + radius)));
        first = (i64)low; count = std::max<i64>(1, (i64)high - first + 1);
        const X half = -sharpness / 2, reference = near * near, start = low - delay;
        X *h = height.data(), *s = slope.data();
        if (gaussian) {
            #pragma omp simd
            for (int32_t i = 0; i < (int32_t)count; i++) {
                const X lag = start + (X)i;
                h[i] = power((lag * lag - reference) * half);
                s[i] = h[i] * lag * sharpness;
            }
        } else {
            for (i64 i = 0; i < count; i++) {
                const X lag = start + (X)i, above = 1 + width - std::abs(lag);
                h[i] = above < 0 ? 0 : above;
                s[i] = above < 0 ? 0 : (lag > 0) - (lag < 0);
            }
        }
        sum = sum_slope = 0;
        #pragma omp simd reduction(+ : sum, sum_slope)
        for (i64 i = 0; i < count; i++) { sum += h[i]; sum_slope += s[i]; }
        std::fill(h + count, h + count + 4 * LANES, (X)0); std::fill(s + count, s + count + 4 * LANES, (X)0);
    }
};

// row[spike + tap] += value · taps, for some spikes of one input; ONES: all values are one
template <class X, bool ONES, int PARTS>
static inline void add(X* row, const int32_t* place, const X* value, i64 spikes, const X* taps) {
    typename Vector<X>::type k[PARTS];
    for (int p = 0; p < PARTS; p++) k[p] = load(taps + p * LANES);
    for (i64 e = 0; e < spikes; e++) {
        X* to = row + place[e];
        for (int p = 0; p < PARTS; p++) {
            const typename Vector<X>::type v = load(to + p * LANES) + (ONES ? k[p] : value[e] * k[p]);
            memcpy(to + p * LANES, &v, sizeof v);
        }
    }
}

// heard[tap] += Σ value · row[spike + tap]
template <class X, bool ONES, int PARTS>
static inline void hear(const X* row, const int32_t* place, const X* value, i64 spikes, X* heard) {
    typename Vector<X>::type sum[2 * PARTS] = {};
    for (i64 e = 0; e + 1 < spikes; e += 2)
        for (int p = 0; p < 2 * PARTS; p++) {
            const auto v = load(row + place[e + p % 2] + p / 2 * LANES);
            sum[p] += ONES ? v : value[e + p % 2] * v;
        }
    for (int p = 0; p < PARTS; p++) {
        if (spikes % 2) sum[2 * p] += value[spikes - 1] * load(row + place[spikes - 1] + p * LANES);
        const typename Vector<X>::type all = load(heard + p * LANES) + sum[2 * p] + sum[2 * p + 1];
        memcpy(heard + p * LANES, &all, sizeof all);
    }
}

// The spikes of one input with `count` taps from `shift` on, as many vectors of taps at once as still begin within the
// sequence: do(parts, first spike, number of spikes, first tap).
template <class Do>
static inline void spread(const int32_t* start, i64 time, i64 shift, i64 count, Do&& act) {
    for (i64 tap = 0; tap < count && shift + tap < time; tap += 4 * LANES) {
        i64 from = start[0];
        for (int parts = (int)std::min<i64>(4, (count - tap + LANES - 1) / LANES); parts; parts--) {
            const i64 last = time - shift - tap - (parts - 1) * LANES;  // step before which a spike is soon enough
            const i64 to = last > 0 ? start[last] : from;
            if (to > from) act(parts, from, to - from, tap);
            from = std::max(from, to);
        }
    }
}

// y: (batch, time, outputs)
template <class X, bool ONES>
static void forward(const Sizes& z, const Spikes& all, const X* weight, const X* delay, X* y) {
    const i64 T = z.time, row_length = T + ROOM, size = z.batch * row_length, O = z.outputs;
    const X* values = (const X*)all.value;
    #pragma omp parallel num_threads(z.threads)
    {
        std::vector<X> rows(BLOCK * size);
        Taps<X> taps(z);
        #pragma omp for schedule(static)
        for (i64 block = 0; block < O; block += BLOCK) {
            const i64 here = std::min(BLOCK, O - block);
            std::fill(rows.begin(), rows.end(), (X)0);
            for (i64 o = 0; o < here; o++)
                for (i64 i = 0; i < z.inputs; i++) {
                    const int32_t* start = all.start + i * (T + 1);
                    if (start[0] == start[T]) continue;
                    taps.place(delay[(block + o) * z.inputs + i]);
                    const X scale = weight[(block + o) * z.inputs + i] / taps.sum;
                    for (i64 tap = 0; tap < taps.count; tap++) taps.height[tap] *= scale;
                    X *row = rows.data() + o * size + taps.first, *k = taps.height.data();
                    const int32_t* place = all.place;
                    if (taps.count == 1) {
                        const i64 until = taps.first < T ? start[T - taps.first] : start[0];
                        for (i64 e = start[0]; e < until; e++) row[place[e]] += values[e] * k[0];
                    } else spread(start, T, taps.first, taps.count, [&](int parts, i64 from, i64 n, i64 tap) {
                        if (parts == 4) add<X, ONES, 4>(row + tap, place + from, values + from, n, k + tap);
                        else if (parts == 3) add<X, ONES, 3>(row + tap, place + from, values + from, n, k + tap);
                        else if (parts == 2) add<X, ONES, 2>(row + tap, place + from, values + from, n, k + tap);
                        else add<X, ONES, 1>(row + tap, place + from, values + from, n, k + tap);
                    });
                }
            for (i64 b = 0; b < z.batch; b++)
                for (i64 t = 0; t < T; t++)
                    for (i64 o = 0; o < here; o++) y[(b * T + t) * O + block + o] = rows[o * size + b * row_length + t];
        }
    }
}

// gradient: (batch, time, outputs); to_weight, to_delay: (outputs, inputs)
template <class X, bool ONES>
static void backward(const Sizes& z, const Spikes& all, const X* weight, const X* delay, const X* gradient, X* to_weight, X* to_delay) {
    const i64 T = z.time, row_length = T + ROOM, size = z.batch * row_length, O = z.outputs;
    const X* values = (const X*)all.value;
    #pragma omp parallel num_threads(z.threads)
    {
        std::vector<X> rows(BLOCK * size), heard(z.longest + 1 + 4 * LANES);
        Taps<X> taps(z);
        #pragma omp for schedule(static)
        for (i64 block = 0; block < O; block += BLOCK) {
            const i64 here = std::min(BLOCK, O - block);
            for (i64 b = 0; b < z.batch; b++)
                for (i64 t = 0; t < T; t++)
                    for (i64 o = 0; o < here; o++) rows[o * size + b * row_length + t] = gradient[(b * T + t) * O + block + o];
            for (i64 o = 0; o < here; o++)
                for (i64 i = 0; i < z.inputs; i++) {
                    const i64 synapse = (block + o) * z.inputs + i;
                    const int32_t* start = all.start + i * (T + 1);
                    taps.place(delay[synapse]);
                    const X* row = rows.data() + o * size + taps.first;
                    std::fill(heard.begin(), heard.begin() + taps.count + 4 * LANES, (X)0);
                    spread(start, T, taps.first, taps.count, [&](int parts, i64 from, i64 n, i64 tap) {
                        X* to = heard.data() + tap;
                        if (parts == 4) hear<X, ONES, 4>(row + tap, all.place + from, values + from, n, to);
                        else if (parts == 3) hear<X, ONES, 3>(row + tap, all.place + from, values + from, n, to);
                        else if (parts == 2) hear<X, ONES, 2>(row + tap, all.place + from, values + from, n, to);
                        else hear<X, ONES, 1>(row + tap, all.place + from, values + from, n, to);
                    });
                    X along = 0, along_slope = 0;
                    #pragma omp simd reduction(+ : along, along_slope)
                    for (i64 tap = 0; tap < taps.count; tap++) {
                        along += taps.height[tap] * heard[tap];
                        along_slope += taps.slope[tap] * heard[tap];
                    }
                    to_weight[synapse] = along / taps.sum;
                    to_delay[synapse] = weight[synapse] / taps.sum * (along_slope - taps.sum_slope / taps.sum * along);
                }
        }
    }
}

// x: (batch, time, inputs). First counts the spikes of each input before each step, start: (inputs, time + 1), then
// lists where in the rows they stand, and how strong they are.
template <class X>
static void count(const Sizes& z, const X* x, int32_t* start) {
    const i64 T = z.time, I = z.inputs;
    std::fill(start, start + I * (T + 1), 0);
    #pragma omp parallel for schedule(static) num_threads(z.threads)
    for (i64 t = 0; t < T; t++) {
        std::vector<int32_t> found(I);
        for (i64 b = 0; b < z.batch; b++) {
            const X* at = x + (b * T + t) * I;
            for (i64 i = 0; i < I; i++) found[i] += at[i] != 0;
        }
        for (i64 i = 0; i < I; i++) start[i * (T + 1) + t + 1] = found[i];
    }
    int32_t before = 0;
    for (i64 i = 0; i < I; i++) {
        start[i * (T + 1)] = before;
        for (i64 t = 1; t <= T; t++) before = start[i * (T + 1) + t] += before;
    }
}

template <class X>
static void list(const Sizes& z, const X* x, const int32_t* start, int32_t* place, X* value) {
    const i64 T = z.time, I = z.inputs;
    #pragma omp parallel for schedule(static) num_threads(z.threads)
    for (i64 t = 0; t < T; t++) {
        std::vector<int32_t> next(I);
        for (i64 i = 0; i < I; i++) next[i] = start[i * (T + 1) + t];
        for (i64 b = 0; b < z.batch; b++) {
            const X* at = x + (b * T + t) * I;
            for (i64 i = 0; i < I; i++)
                if (at[i] != 0) { place[next[i]] = b * (T + ROOM) + t; value[next[i]++] = at[i]; }
        }
    }
}

#define FORM(NAME, X)                                                                                                  \
    extern "C" void astromorph_count_##NAME(const Sizes* z, const X* x, int32_t* start) { count(*z, x, start); }       \
    extern "C" void astromorph_list_##NAME(const Sizes* z, const X* x, const int32_t* start, int32_t* place, X* value) { list(*z, x, start, place, value); } \
    extern "C" void astromorph_forward_##NAME(const Sizes* z, const int32_t* start, const int32_t* place, const X* value, const X* weight, const X* delay, X* y) { (z->ones ? forward<X, true> : forward<X, false>)(*z, Spikes{start, place, value}, weight, delay, y); } \
    extern "C" void astromorph_backward_##NAME(const Sizes* z, const int32_t* start, const int32_t* place, const X* value, const X* weight, const X* delay, const X* gradient, X* to_weight, X* to_delay) { (z->ones ? backward<X, true> : backward<X, false>)(*z, Spikes{start, place, value}, weight, delay, gradient, to_weight, to_delay); }
FORM(float, float)
FORM(double, double)
