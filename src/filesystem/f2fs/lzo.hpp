// LZO1X as Linux writes it, with and without runs of zeros (LZO-RLE).
#pragma once

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"

namespace salvage::filesystem::f2fs {

/// Unpacks `packed` into `out`, which it must fill.  Never reads or writes beyond either.
/// Errors: malformed (where = offset in `packed`).  Spec: Linux, Documentation/staging/lzo.rst.
[[nodiscard]] Result<> unpack_lzo(ByteView packed, std::span<std::byte> out);

} // namespace salvage::filesystem::f2fs
