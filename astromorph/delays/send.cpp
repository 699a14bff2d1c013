// Writes what events bring into the future of their targets: see sending.py.
#include <cstdint>

extern "C" void astromorph_send(int64_t events, int64_t slots, int64_t outputs, const int64_t* sample,
                                const int64_t* slot, const int64_t* source, const float* value,
                                const int64_t* offset, const float* weight, float* future) {
    const int64_t ring = slots * outputs;
    for (int64_t event = 0; event < events; ++event) {
        const int64_t* reach = offset + source[event] * outputs;
        const float* strength = weight + source[event] * outputs;
        float* start = future + sample[event] * ring;
        const int64_t now = slot[event] * outputs;
        const float size = value[event];
        for (int64_t output = 0; output < outputs; ++output) {
            const int64_t place = now + reach[output];
            start[place < ring ? place : place - ring] += size * strength[output];
        }
    }
}
