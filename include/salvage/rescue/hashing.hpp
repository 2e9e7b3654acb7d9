// Whether what is written is hashed on the way.
#pragma once

namespace salvage::rescue {

/// `no` for people who want a plain copy fast: nothing can be verified later.
enum class Hashing : bool { no, yes };

} // namespace salvage::rescue
