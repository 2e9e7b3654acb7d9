// Vectors with AVX2; narrow ones serve scrypt with few lanes.
#pragma once

#include "crypto/kdf/vec_x86_128.hpp"
#include "crypto/kdf/vec_x86_256.hpp"

namespace salvage::crypto::kdf::avx2 {

struct Flags;
using Vec4 = X86Vec4<Flags>;
using Vec8 = X86Vec8<Flags>;

} // namespace salvage::crypto::kdf::avx2
