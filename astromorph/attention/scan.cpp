// Astromorphic attention as scans over tokens on a processor: bidirectional.py and causal chunked.py in float32.
//
// Nothing as long as the sequence is stored but inputs, outputs and a row or two a token and thread. Called from
// compiled.py; scans.py says what the arguments are; gradients follow the equations there.
#include "vectors.h"

template <class T> static void causal_forward(const Job& j, i64 stack) {
    const i64 W = j.width, N = j.keys; const i64 h = stack % j.heads;
    Buffer state(j.features * W), a(G * W), v(G * W), b(G * W), num(G * W), s(W), r(W);
    float n = 0, m = 0, d = j.relative ? j.decay[h] : 0, gain = j.relative ? j.strength[h] : 0;
    for (i64 t = 0; t < N; t += G) {
        active<T>(j, K, stack, t, N, a); active<T>(j, Q, stack, t, N, b); tokens<T>(j, V, stack, t, N, j.value_features, v);
        float c[G];
        for (int g = 0; g < G; g++) { c[g] = kept(j, KEEP, stack, t + g, N); if (c[g] == 0) { clear(a + g * W, W); clear(v + g * W, W); } }
        clear(num, G * W);
        group<true, true>(state, j.features, W, a, v, b, num);
        for (int g = 0; g < G && t + g < N; g++) {
            n += c[g]; m = d * m + c[g];
            vec sum = {};
            for (i64 i = 0; i < W; i += L) {
                s(i) += a(g * W + i);
                if (j.relative) { r(i) = d * r(i) + v(g * W + i); num(g * W + i) += gain * r(i); }
                vec store = s(i), unused;
                if (j.rho.kind && n > 0) { j.rho.at(s(i) / n, store, unused); store *= n; }
                sum += b(g * W + i) * store;
            }
            float calcium = total(sum) + gain * m, p = calcium > TINY ? 1 / calcium : 0;
            *j.row<float>(INV, stack, t + g) = p;
            scale(num + g * W, W, p);
            store(j.row<T>(OUT, stack, t + g), j.value_features, num + g * W);
        }
    }
}

template <class T> static void causal_backward(const Job& j, i64 stack) {
    const i64 W = j.width, N = j.keys, F = j.features, E = j.value_features, h = stack % j.heads;
    Buffer turned(E * W), a(G * W), v(G * W), b(G * W), o(G * W), dn(G * W), db(G * W), s(W), r(W), dr(W), ds(N * W);
    float n = 0, m = 0, dm = 0, d = j.relative ? j.decay[h] : 0, gain = j.relative ? j.strength[h] : 0;
    double to_gain = 0, to_decay = 0;
    std::vector<float> along(N);
    for (i64 t = 0; t < N; t += G) {  // from the left: queries, and the stores' gradients
        active<T>(j, K, stack, t, N, a); active<T>(j, Q, stack, t, N, b); tokens<T>(j, V, stack, t, N, E, v);
        tokens<T>(j, OUT, stack, t, N, E, o); tokens<T>(j, DOUT, stack, t, N, E, dn);
        float c[G], dc[G] = {0, 0, 0, 0};
        for (int g = 0; g < G; g++) {
            c[g] = kept(j, KEEP, stack, t + g, N); if (c[g] == 0) { clear(a + g * W, W); clear(v + g * W, W); }
            if (t + g >= N) continue;
            float p = *j.row<float>(INV, stack, t + g);
            dc[g] = -dot(o + g * W, dn + g * W, W) * p;
            scale(dn + g * W, W, p);
        }
        clear(db, G * W);
        group<true, true>(turned, E, W, v, a, dn, db);
        for (int g = 0; g < G && t + g < N; g++) {
            vec over = {}, slow = {};
            n += c[g]; dm = d * dm + m; m = d * m + c[g];
            for (i64 i = 0; i < W; i += L) {
                s(i) += a(g * W + i);
                vec store = s(i), steep = (vec){} + 1.f;
                if (j.rho.kind && n > 0) { j.rho.at(s(i) / n, store, steep); store *= n; }
                vec bi = b(g * W + i);
                *(vec*)(ds + (t + g) * W + i) = dc[g] * bi * steep;
                db(g * W + i) = (db(g * W + i) + dc[g] * store) * slope(bi);
                if (j.relative) {
                    dr(i) = d * dr(i) + r(i); r(i) = d * r(i) + v(g * W + i);
                    over += dn(g * W + i) * r(i); slow += dn(g * W + i) * dr(i);
                }
            }
            to_gain += total(over) + dc[g] * m; to_decay += gain * (total(slow) + dc[g] * dm);
            store(j.row<T>(DQ, stack, t + g), F, db + g * W);
        }
    }
    float* parameters = j.row<float>(DP, stack, 0);
    parameters[0] = to_gain; parameters[1] = to_decay;
    Buffer back(F * W), back_turned(E * W), later(W), fade(W), dv(G * W), da(G * W), x(G * W);
    for (i64 t = (N - 1) / G * G; t >= 0; t -= G) {  // from the right: keys and values; groups in reverse order
        for (int g = 0; g < G; g++) {
            i64 i = t + G - 1 - g;
            float *ka = a + g * W, *kb = b + g * W, *kv = v + g * W, *kd = dn + g * W;
            if (i >= N) { clear(ka, W); clear(kb, W); clear(kv, W); clear(kd, W); continue; }
            load(j.row<T>(K, stack, i), F, ka); activate(ka, F, W); load(j.row<T>(Q, stack, i), F, kb); activate(kb, F, W);
            load(j.row<T>(V, stack, i), E, kv); load(j.row<T>(DOUT, stack, i), E, kd); scale(kd, W, *j.row<float>(INV, stack, i));
            if (kept(j, KEEP, stack, i, N) == 0) { clear(ka, W); clear(kv, W); }
        }
        clear(dv, G * W); clear(da, G * W);
        group<true, true>(back, F, W, b, dn, a, dv);
        group<true, true>(back_turned, E, W, dn, b, v, da);
        for (int g = 0; g < G; g++) {
            i64 i = t + G - 1 - g;
            if (i >= N) continue;
            float c = kept(j, KEEP, stack, i, N);
            for (i64 w = 0; w < W; w += L) {
                later(w) += *(vec*)(ds + i * W + w);
                da(g * W + w) = c * (da(g * W + w) + later(w)) * slope(a(g * W + w));
                if (j.relative) { fade(w) = d * fade(w) + gain * dn(g * W + w); dv(g * W + w) += fade(w); }
                dv(g * W + w) *= c;
            }
            store(j.row<T>(DK, stack, i), F, da + g * W); store(j.row<T>(DV, stack, i), E, dv + g * W);
        }
    }
}

template <class T> static void write_forward(const Job& j, i64 stack) {
    const i64 W = j.width, N = j.keys, F = j.features, E = j.value_features;
    Buffer part(F * W), a(G * W), v(G * W), s(W), weight(F * W), sum(W);
    for (i64 t = 0; t < N; t += G) {
        active<T>(j, K, stack, t, N, a); tokens<T>(j, V, stack, t, N, E, v);
        for (int g = 0; g < G; g++) {
            if (kept(j, KEEP, stack, t + g, N) == 0) { clear(a + g * W, W); clear(v + g * W, W); } else driven(j, stack, t + g, a + g * W);
            for (i64 i = 0; i < W; i += L) s(i) += a(g * W + i);
        }
        group<true, false>(part, F, W, a, v, nullptr, nullptr);
        if ((t / G) % 256 == 255 || t + G >= N) {  // sums of sums: a long sequence keeps its precision
            for (i64 i = 0; i < F * W; i += L) weight(i) += part(i);
            for (i64 i = 0; i < W; i += L) sum(i) += s(i);
            clear(part, F * W); clear(s, W);
        }
    }
    for (i64 f = 0; f < F; f++) store(j.row<float>(H, stack, f), E, weight + f * W);
    store(j.row<float>(S, stack, 0), F, (const float*)sum);
}

template <class T> static void write_backward(const Job& j, i64 stack) {
    const i64 W = j.width, N = j.keys, F = j.features, E = j.value_features;
    Buffer weight(F * W), turned(E * W), sum(W), a(G * W), h(G * W), v(G * W), dv(G * W), da(G * W);
    for (i64 f = 0; f < F; f++) {
        load(j.row<float>(DH, stack, f), E, weight + f * W);
        for (i64 e = 0; e < E; e++) turned[e * W + f] = weight[f * W + e];
    }
    load(j.row<float>(DCA, stack, 0), F, (float*)sum);
    for (i64 t = 0; t < N; t += G) {
        active<T>(j, K, stack, t, N, a); tokens<T>(j, V, stack, t, N, E, v);
        clear(dv, G * W); clear(da, G * W);
        for (int g = 0; g < G; g++) if (kept(j, KEEP, stack, t + g, N) == 0) { clear(a + g * W, W); clear(v + g * W, W); }
        memcpy(h, a, G * W * sizeof(float));
        for (int g = 0; g < G && t + g < N; g++) driven(j, stack, t + g, h + g * W);
        group<false, true>(weight, F, W, nullptr, nullptr, h, dv);
        group<false, true>(turned, E, W, nullptr, nullptr, v, da);
        for (int g = 0; g < G && t + g < N; g++) {
            float c = kept(j, KEEP, stack, t + g, N);
            for (i64 i = 0; i < W; i += L) { da(g * W + i) = c * (da(g * W + i) + sum(i)); dv(g * W + i) *= c; }
            if (float* to = j.own(DDRIVE, stack, t + g)) {
                #pragma omp simd
                for (i64 i = 0; i < F; i++) to[i] += da[g * W + i];
            }
            for (i64 i = 0; i < W; i += L) da(g * W + i) *= slope(a(g * W + i));
            store(j.row<T>(DK, stack, t + g), F, da + g * W); store(j.row<T>(DV, stack, t + g), E, dv + g * W);
        }
    }
}

// What all later tokens hand to each: Σ_{u>t} d^(u-t) x_u of values and, for the gradient, of the numerators' gradients.
struct FromRight {
    Buffer values, outer; std::vector<float> mass, spread;  // Σ_{u>t} d^(u-t) over those kept, and that times u - t
    template <class T> static FromRight of(const Job& j, i64 stack, bool gradient) {
        FromRight right{Buffer(j.relative ? j.keys * j.width : 0), Buffer(j.relative && gradient ? j.keys * j.width : 0), std::vector<float>(j.keys), std::vector<float>(j.keys)};
        if (j.relative) right.scan<T>(j, stack, gradient);
        return right;
    }
    template <class T> void scan(const Job& j, i64 stack, bool gradient) {
        const i64 W = j.width; const float d = j.decay[stack % j.heads];
        Buffer x(W), r(W), y(W), o(W); float m = 0, s = 0;
        for (i64 i = j.keys - 1; i >= 0; i--) {
            const float c = kept(j, KEEP, stack, i, j.keys);
            mass[i] = m; spread[i] = s; s = d * (s + m + c); m = d * (m + c);
            if (c == 0) clear(x, W); else load(j.row<T>(V, stack, i), j.value_features, x.start);
            for (i64 w = 0; w < W; w += L) { values(i * W + w) = r(w); r(w) = d * (r(w) + x(w)); }
            if (!gradient) continue;
            load(j.row<T>(DOUT, stack, i), j.value_features, y.start); const float p = *j.row<float>(INV, stack, i);
            for (i64 w = 0; w < W; w += L) { outer(i * W + w) = o(w); o(w) = d * (o(w) + p * y(w)); }
        }
    }
};

template <class T> static void read_forward(const Job& j, i64 stack) {
    const i64 W = j.width, N = j.queries, F = j.features, E = j.value_features, h = stack % j.heads;
    Buffer weight(F * W), g0(W), b(G * W), v(G * W), num(G * W), r(W);
    for (i64 f = 0; f < F; f++) load(j.row<float>(H, stack, f), E, weight + f * W);
    load(j.row<float>(CA, stack, 0), F, g0.start);
    const FromRight right = FromRight::of<T>(j, stack, false);
    float m = 0, gain = j.relative ? j.strength[h] : 0, d = j.relative ? j.decay[h] : 0;
    for (i64 t = 0; t < N; t += G) {
        active<T>(j, Q, stack, t, N, b);
        clear(num, G * W);
        if (j.relative) tokens<T>(j, V, stack, t, N, E, v);
        group<false, true>(weight, F, W, nullptr, nullptr, b, num);
        for (int g = 0; g < G && t + g < N; g++) {
            float calcium = dot(b + g * W, g0, W);
            if (j.relative) {
                float c = kept(j, KEEP, stack, t + g, N);
                if (c == 0) clear(v + g * W, W);
                m = d * m + c; calcium += gain * (m + right.mass[t + g]);
                for (i64 i = 0; i < W; i += L) { r(i) = d * r(i) + v(g * W + i); num(g * W + i) += gain * (r(i) + right.values((t + g) * W + i)); }
            }
            float p = calcium > TINY ? 1 / calcium : 0;
            *j.row<float>(INV, stack, t + g) = p;
            scale(num + g * W, W, p);
            store(j.row<T>(OUT, stack, t + g), E, (const float*)num + g * W);
        }
    }
}

// The gradient by a relative term's decay d, Σ_ij |i - j| d^(|i-j|-1) X_ij, is of sums that are there: those of queries
// times the place of the query less those of keys times the place of the key, and the other way round from the right.
template <class T> static void read_backward(const Job& j, i64 stack) {
    const i64 W = j.width, N = j.queries, F = j.features, E = j.value_features, h = stack % j.heads;
    Buffer turned(E * W), part(F * W), to_weight(F * W), g0(W), to_g(W), b(G * W), v(G * W), o(G * W), dn(G * W), db(G * W), r(W), left(W), row(W);
    load(j.row<float>(CA, stack, 0), F, g0.start);
    for (i64 f = 0; f < F; f++) { load(j.row<float>(H, stack, f), E, row.start); for (i64 e = 0; e < E; e++) turned[e * W + f] = row[e]; }
    const FromRight right = FromRight::of<T>(j, stack, true);
    float m = 0, spread = 0, gain = j.relative ? j.strength[h] : 0, d = j.relative ? j.decay[h] : 0;
    double to_gain = 0, to_decay = 0;
    for (i64 t = 0; t < N; t += G) {
        active<T>(j, Q, stack, t, N, b);
        tokens<T>(j, OUT, stack, t, N, E, o); tokens<T>(j, DOUT, stack, t, N, E, dn);
        if (j.relative) tokens<T>(j, V, stack, t, N, E, v);
        float dc[G] = {0, 0, 0, 0};
        for (int g = 0; g < G && t + g < N; g++) {
            float p = *j.row<float>(INV, stack, t + g);
            dc[g] = -dot(o + g * W, dn + g * W, W) * p;
            scale(dn + g * W, W, p);
        }
        clear(db, G * W);
        group<false, true>(turned, E, W, nullptr, nullptr, dn, db);
        group<true, false>(part, F, W, b, dn, nullptr, nullptr);
        for (int g = 0; g < G && t + g < N; g++) {
            for (i64 i = 0; i < W; i += L) {
                vec bi = b(g * W + i);
                to_g(i) += dc[g] * bi;
                db(g * W + i) = (db(g * W + i) + dc[g] * g0(i)) * slope(bi);
            }
            store(j.row<T>(DQ, stack, t + g), F, (const float*)db + g * W);
            if (!j.relative) continue;
            const i64 at = t + g; const float c = kept(j, KEEP, stack, at, N);
            if (c == 0) clear(v + g * W, W);
            vec over = {}, apart = {};
            for (i64 i = 0; i < W; i += L) {
                const vec error = dn(g * W + i), value = v(g * W + i);
                const vec past = d * r(i), next = right.values(at * W + i), earlier = d * left(i), coming = right.outer(at * W + i);
                r(i) = past + value; left(i) = earlier + error;
                over += error * (past + value + next); apart += error * (past - next) + value * (earlier - coming);
                row(i) = gain * c * (earlier + error + coming);
            }
            spread = d * (spread + m); m *= d;
            to_gain += total(over) + dc[g] * (m + c + right.mass[at]);
            to_decay += (double)at * total(apart) + dc[g] * (spread + right.spread[at]);
            m += c;
            store(j.row<T>(DV, stack, at), E, (const float*)row);
        }
        if ((t / G) % 256 == 255 || t + G >= N) {
            for (i64 i = 0; i < F * W; i += L) to_weight(i) += part(i);
            clear(part, F * W);
        }
    }
    for (i64 f = 0; f < F; f++) store(j.row<float>(DH, stack, f), E, (const float*)to_weight + f * W);
    store(j.row<float>(DCA, stack, 0), F, (const float*)to_g);
    float* parameters = j.row<float>(DP, stack, 0);
    if (parameters) { parameters[0] = to_gain; parameters[1] = d > 0 ? gain / d * to_decay : 0; }
}

static const Work WORK[2][6] = {
    {causal_forward<float>, causal_backward<float>, write_forward<float>, write_backward<float>, read_forward<float>, read_backward<float>},
    {causal_forward<bf16>, causal_backward<bf16>, write_forward<bf16>, write_backward<bf16>, read_forward<bf16>, read_backward<bf16>},
};

extern "C" void astromorph_scan(const i64* sizes, const Tensor4* tensors, const float* rho, const float* decay, const float* strength) {
    run(WORK[sizes[1]][sizes[0]], sizes, tensors, rho, decay, strength, nullptr, false);
}
