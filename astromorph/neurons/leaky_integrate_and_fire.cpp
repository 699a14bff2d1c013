// Leaky integrate-and-fire neurons over a whole sequence, and the way back: see leaky_integrate_and_fire.py.
//
// Arrays are (batch, time, neurons) in float32. A sample is worked on by one thread from its first step to its last, so
// the number of threads changes no bit.
#include <vector>
#include "../native/numbers.h"

static const float SLOPE = 5.0f, HALF_PI = 1.57079632679489662f;

extern "C" {
// h(t) = v(t - 1) kept + x(t); a spike where h >= 1, which sets v to 0
void astromorph_fire(i64 batch, i64 time, i64 neurons, i64 threads, float kept, const float* x, float* h, float* spikes) {
    #pragma omp parallel for schedule(static) num_threads(threads)
    for (i64 sample = 0; sample < batch; sample++) {
        std::vector<float> v(neurons, 0.f);
        for (i64 t = 0; t < time; t++) {
            const i64 at = (sample * time + t) * neurons;
            #pragma omp simd
            for (i64 i = 0; i < neurons; i++) {
                const float now = v[i] * kept + x[at + i];
                h[at + i] = now;
                spikes[at + i] = now >= 1.f ? 1.f : 0.f;
                v[i] = now >= 1.f ? 0.f : now;
            }
        }
    }
}

// From the gradient of the spikes to that of x
void astromorph_fire_back(i64 batch, i64 time, i64 neurons, i64 threads, float kept, const float* h, const float* of_spikes, float* of_x) {
    #pragma omp parallel for schedule(static) num_threads(threads)
    for (i64 sample = 0; sample < batch; sample++) {
        std::vector<float> of_v(neurons, 0.f);
        for (i64 t = time - 1; t >= 0; t--) {
            const i64 at = (sample * time + t) * neurons;
            #pragma omp simd
            for (i64 i = 0; i < neurons; i++) {
                const float above = h[at + i] - 1.f, bend = HALF_PI * SLOPE * above;
                const float g = of_spikes[at + i] * (SLOPE / 2) / (1.f + bend * bend) + (above >= 0.f ? 0.f : of_v[i]);
                of_x[at + i] = g;
                of_v[i] = g * kept;
            }
        }
    }
}
}
