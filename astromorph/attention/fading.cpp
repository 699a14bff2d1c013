// Attention whose content fades over distance, causal or among all tokens, as scans from both sides: chunked.py in float32.
//
// A token reads A_ij = exp(-|i - j| / λ) φ(q_i)·φ(k_j) of those before it in a scan from the left, of the later ones in a
// scan from the right, and of itself. The state that arrives at a group of tokens is P; token t of the group reads
// f^t (P + Σ_{u<t} f^-u x_u y_u), so that nothing but P itself fades in the innermost loop. Three rows a token and
// thread are stored. The gradient of the rate 1/λ is -Σ_ij |i - j| A_ij X_ij = -Σ_i i (Σ_j A_ij X_ij) + Σ_j j (Σ_i A_ij X_ij)
// over j < i, and the other way round over j > i: no scan has a derivative of its own.
#include "vectors.h"

static const float LEAST = 1e-30f;  // calcium that is none: what is left of tokens too far away to be told from it

struct Fade {  // of content: f^t and f^-t of the tokens of a group, and what a group leaves of the state
    float by, up[G], down[G], after; i64 step;
    explicit Fade(float f) : by(f), step(f < 0.05f ? 1 : G) {  // where it fades at once a group is one token
        after = up[0] = down[0] = 1;
        for (int t = 1; t < G; t++) { down[t] = step > 1 ? down[t - 1] * f : 0; up[t] = step > 1 ? up[t - 1] / f : 0; }
        for (i64 t = 0; t < step; t++) after *= f;
    }
};

// Tokens of a group in the order of a scan, -1 past its end, and their rows: silent there, and where a key is not kept.
struct Group {
    const Job& j; i64 stack; i64 at[G]; float keeps[G]; bool there[G];
    Group(const Job& j, i64 stack, i64 first, i64 step, bool backward) : j(j), stack(stack) {
        for (int g = 0; g < G; g++) {
            there[g] = g < step && first + g < j.keys;
            at[g] = there[g] ? (backward ? j.keys - 1 - first - g : first + g) : -1;
            keeps[g] = there[g] ? kept(j, KEEP, stack, at[g], j.keys) : 0;
        }
    }
    template <class T> void rows(int which, i64 features, float* to, bool of_keys) const {
        for (int g = 0; g < G; g++) {
            if (there[g] && (!of_keys || keeps[g] != 0)) load(j.row<T>(which, stack, at[g]), features, to + g * j.width);
            else clear(to + g * j.width, j.width);
        }
    }
    template <class T> void active(int which, float* to, bool of_keys) const {
        rows<T>(which, j.features, to, of_keys);
        for (int g = 0; g < G; g++) if (there[g] && (!of_keys || keeps[g] != 0)) activate(to + g * j.width, j.features, j.width);
    }
    template <class T> void errors(float* to) const {  // gradient of the numerator
        rows<T>(DOUT, j.value_features, to, false);
        for (int g = 0; g < G; g++) if (there[g]) scale(to + g * j.width, j.width, *j.row<float>(INV, stack, at[g]));
    }
};

static inline void times(const float* x, const float* by, i64 width, float* to) {
    for (int g = 0; g < G; g++) for (i64 i = 0; i < width; i += L) *(vec*)(to + g * width + i) = *(const vec*)(x + g * width + i) * by[g];
}

// What token t of a group reads of a state that the tokens before it have written to; x and z are scaled by `Fade`.
static void pass(float* state, i64 rows, i64 width, const float* x, const float* y, const float* z, float* out, float after) {
    for (int p = 0; p < width; p += J * L) {
        vec ys[G][J], sum[G][J];
        for (int t = 0; t < G; t++) for (int j = 0; j < J; j++) { ys[t][j] = *(const vec*)(y + t * width + p + L * j); sum[t][j] = (vec){}; }
        for (int r = 0; r < rows; r++) {
            vec* place = (vec*)(state + (i64)r * width + p);
            vec h[J];
            for (int j = 0; j < J; j++) h[j] = place[j];
            for (int t = 0; t < G; t++) for (int j = 0; j < J; j++) {
                sum[t][j] += z[t * width + r] * h[j];
                h[j] += x[t * width + r] * ys[t][j];
            }
            for (int j = 0; j < J; j++) place[j] = h[j] * after;
        }
        for (int t = 0; t < G; t++) for (int j = 0; j < J; j++) *(vec*)(out + t * width + p + L * j) = sum[t][j];
    }
}

template <class T> static void fading_forward(const Job& j, i64 stack) {
    const i64 W = j.width, N = j.keys, F = j.features, E = j.value_features, h = stack % j.heads;
    const Fade fade(j.fading[h]);
    const float d = j.relative ? j.decay[h] : 0, gain = j.relative ? j.strength[h] : 0;
    Buffer a(G * W), v(G * W), b(G * W), x(G * W), z(G * W), num(G * W), later(j.both ? 2 * N * W : 0);
    std::vector<float> counts(j.both ? 2 * N : 0);
    for (int right = j.both; right >= 0; right--) {  // the scan from the left comes last and ends each token
        Buffer state(F * W), s(W), r(W);
        float n = 0, m = 0;
        for (i64 t = 0; t < N; t += fade.step) {
            const Group tokens(j, stack, t, fade.step, right);
            tokens.active<T>(K, a, true); tokens.rows<T>(V, E, v, true); tokens.active<T>(Q, b, false);
            times(a, fade.up, W, x); times(b, fade.down, W, z);
            pass(state, F, W, x, v, z, num, fade.after);
            for (int g = 0; g < G && tokens.there[g]; g++) {
                const i64 at = tokens.at[g];
                const float c = tokens.keeps[g];
                if (right) { counts[2 * at] = n; counts[2 * at + 1] = m; }
                const float count = n + c + (j.both ? counts[2 * at] : 0), mass = m + c + (j.both ? counts[2 * at + 1] : 0);
                n = fade.by * (n + c); m = d * (m + c);
                const float itself = right ? 0 : dot(a + g * W, b + g * W, W) + gain;
                vec sum = {};
                for (i64 i = 0; i < W; i += L) {
                    vec own = a(g * W + i), value = v(g * W + i), activity = s(i), numerator = num(g * W + i);
                    s(i) = fade.by * (s(i) + own);
                    if (j.relative) { numerator += gain * r(i); r(i) = d * (r(i) + value); }
                    if (right) { later(2 * at * W + i) = numerator; later((2 * at + 1) * W + i) = activity; continue; }
                    numerator += itself * value; activity += own;
                    if (j.both) { numerator += later(2 * at * W + i); activity += later((2 * at + 1) * W + i); }
                    num(g * W + i) = numerator;
                    vec store = activity, unused;
                    if (j.rho.kind && count > 0) { j.rho.at(activity / count, store, unused); store *= count; }
                    sum += b(g * W + i) * store;
                }
                if (right) continue;
                const float calcium = total(sum) + gain * mass, p = calcium > LEAST ? 1 / calcium : 0;
                *j.row<float>(INV, stack, at) = p;
                scale(num + g * W, W, p);
                store(j.row<T>(OUT, stack, at), E, num + g * W);
            }
        }
    }
}

template <class T> static void fading_backward(const Job& j, i64 stack) {
    const i64 W = j.width, N = j.keys, F = j.features, E = j.value_features, h = stack % j.heads;
    const Fade fade(j.fading[h]);
    const float d = j.relative ? j.decay[h] : 0, gain = j.relative ? j.strength[h] : 0;
    Buffer a(G * W), v(G * W), b(G * W), dn(G * W), x(G * W), z(G * W), read(G * W), other(G * W), o(G * W);
    Buffer first(j.both ? N * W : 0), ds(N * W), values(j.both ? N * W : 0);  // from the scan that comes first; gradient by the activity
    std::vector<float> counts(j.both ? 3 * N : 0), dc(N), dcount(N);
    double to_gain = 0, to_fading = 0, to_relative = 0;
    for (int right = j.both; right >= 0; right--) {  // queries: what they read, and the gradients of the stores
        Buffer turned(E * W), s(W), r(W);
        float n = 0, m = 0;
        for (i64 t = 0; t < N; t += fade.step) {
            const Group tokens(j, stack, t, fade.step, right);
            tokens.active<T>(K, a, true); tokens.rows<T>(V, E, v, true); tokens.errors<T>(dn);
            if (!right) { tokens.active<T>(Q, b, false); tokens.rows<T>(OUT, E, o, false); }
            times(v, fade.up, W, x); times(dn, fade.down, W, z);
            pass(turned, E, W, x, a, z, read, fade.after);
            for (int g = 0; g < G && tokens.there[g]; g++) {
                const i64 at = tokens.at[g];
                const float c = tokens.keeps[g], count = n, mass = m;  // of the tokens before it in this scan
                n = fade.by * (n + c); m = d * (m + c);
                vec seen = {};
                if (j.relative) for (i64 i = 0; i < W; i += L) { seen += dn(g * W + i) * r(i); r(i) = d * (r(i) + v(g * W + i)); }
                const float drive = total(seen);
                if (right) {
                    for (i64 i = 0; i < W; i += L) {
                        first(at * W + i) = read(g * W + i); ds(at * W + i) = s(i);
                        s(i) = fade.by * (s(i) + a(g * W + i));
                    }
                    counts[3 * at] = count; counts[3 * at + 1] = mass; counts[3 * at + 2] = drive;
                    continue;
                }
                const float back = dc[at] = -dot(o + g * W, dn + g * W, W);  // by the calcium
                const float all = count + c + (j.both ? counts[3 * at] : 0), itself = dot(dn + g * W, v + g * W, W);
                vec here = {}, there = {}, with_count = {};
                for (i64 i = 0; i < W; i += L) {
                    vec own = a(g * W + i), left = s(i), query = b(g * W + i), away = {}, away_read = {};
                    s(i) = fade.by * (s(i) + own);
                    if (j.both) { away = ds(at * W + i); away_read = first(at * W + i); }
                    vec activity = left + own + away, store = activity, steep = (vec){} + 1.f;
                    if (j.rho.kind && all > 0) {
                        vec mean = activity / all;
                        j.rho.at(mean, store, steep);
                        with_count += query * (store - mean * steep); store *= all;
                    }
                    vec to_activity = back * query * steep, to_query = read(g * W + i);
                    ds(at * W + i) = to_activity;
                    here += query * to_query + to_activity * left; there += query * away_read + to_activity * away;
                    read(g * W + i) = (to_query + away_read + itself * own + back * store) * slope(query);
                }
                const float by_count = dcount[at] = back * total(with_count);
                store(j.row<T>(DQ, stack, at), F, read + g * W);
                double place = (double)at, later_mass = 0, later_drive = 0, later_count = 0;
                if (j.both) { later_count = counts[3 * at]; later_mass = counts[3 * at + 1]; later_drive = counts[3 * at + 2]; }
                to_fading += place * (total(here) + (double)by_count * count - total(there) - by_count * later_count);
                to_relative += place * gain * (drive + (double)back * mass - later_drive - back * later_mass);
                to_gain += (double)itself + drive + later_drive + back * (c + mass + later_mass);
            }
        }
    }
    for (int left = j.both; left >= 0; left--) {  // keys and values: from the queries before them, then from those on
        Buffer back(F * W), turned(E * W), s(W), r(W);
        float n = 0, m = 0;
        for (i64 t = 0; t < N; t += fade.step) {
            const Group tokens(j, stack, t, fade.step, !left);
            tokens.active<T>(K, a, true); tokens.rows<T>(V, E, v, true); tokens.active<T>(Q, b, false); tokens.errors<T>(dn);
            times(b, fade.up, W, x); times(a, fade.down, W, z);
            pass(back, F, W, x, dn, z, read, fade.after);
            times(dn, fade.up, W, x); times(v, fade.down, W, z);
            pass(turned, E, W, x, b, z, other, fade.after);
            for (int g = 0; g < G && tokens.there[g]; g++) {
                const i64 at = tokens.at[g];
                const float c = tokens.keeps[g], count = n, mass = m;
                n = fade.by * (n + dcount[at]); m = d * (m + dc[at]);
                vec seen = {}, driven = {};
                const float match = left ? 0 : dot(dn + g * W, v + g * W, W), itself = left ? 0 : dot(a + g * W, b + g * W, W) + gain;
                for (i64 i = 0; i < W; i += L) {
                    vec to_activity = ds(at * W + i), error = dn(g * W + i), value = v(g * W + i), own = a(g * W + i);
                    vec to_key = other(g * W + i) + s(i), to_value = read(g * W + i);
                    s(i) = fade.by * (s(i) + to_activity);
                    seen += own * to_key;
                    if (j.relative) { vec spread = gain * r(i); driven += value * spread; to_value += spread; r(i) = d * (r(i) + error); }
                    if (left) { first(at * W + i) = to_key; values(at * W + i) = to_value; continue; }
                    to_key += match * b(g * W + i) + to_activity; to_value += itself * error;
                    if (j.both) { to_key += first(at * W + i); to_value += values(at * W + i); }
                    other(g * W + i) = c * to_key * slope(own); read(g * W + i) = c * to_value;
                }
                const double place = left ? (double)at : -(double)at;
                to_fading += place * (total(seen) + (double)c * count);
                to_relative += place * (total(driven) + (double)gain * c * mass);
                if (left) continue;
                store(j.row<T>(DK, stack, at), F, other + g * W); store(j.row<T>(DV, stack, at), E, read + g * W);
            }
        }
    }
    float* parameters = j.row<float>(DP, stack, 0);
    parameters[0] = to_gain; parameters[1] = -to_relative; parameters[2] = -to_fading;
}

static const Work WORK[2][2] = {{fading_forward<float>, fading_backward<float>}, {fading_forward<bf16>, fading_backward<bf16>}};

extern "C" void astromorph_fading(const i64* sizes, const Tensor4* tensors, const float* rho, const float* decay, const float* strength, const float* fading) {
    run(WORK[sizes[1]][sizes[0]], sizes, tensors, rho, decay, strength, fading, sizes[9]);
}
