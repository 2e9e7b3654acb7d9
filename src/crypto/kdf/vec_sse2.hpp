// Vectors with SSE2, which every x86-64 has.
#pragma once

#include "crypto/kdf/vec_x86_128.hpp"

namespace salvage::crypto::kdf::sse2 {

struct Flags;
using Vec4 = X86Vec4<Flags>;

} // namespace salvage::crypto::kdf::sse2
