// Numbers of a tensor, float32 or bfloat16, read as float and written back.
#pragma once
#include <cstdint>
#include <cstring>

typedef int64_t i64;
struct bf16 { uint16_t bits; };
static inline float number(float x) { return x; }
static inline float number(bf16 x) { uint32_t u = (uint32_t)x.bits << 16; float f; memcpy(&f, &u, 4); return f; }
static inline void assign(float& to, float x) { to = x; }
static inline void assign(bf16& to, float x) {  // round to nearest even; NaN stays NaN
    uint32_t u; memcpy(&u, &x, 4);
    to.bits = (uint16_t)(((u & 0x7fffffff) > 0x7f800000) ? (u >> 16) | 0x40 : (u + 0x7fff + ((u >> 16) & 1)) >> 16);
}
