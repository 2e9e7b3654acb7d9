// What is packed in a gzip, zstd or zip file, as bytes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::io {

/// Largest window of a zstd frame: what `zstd` itself unpacks without --long or --memory.
inline constexpr unsigned max_zstd_window_log = 27;

/// How these first bytes of a file (32 are enough) are packed, by their magic: "gzip", "zstd", "zip", and what is known
/// but not unpacked here: "7z", "rar", "xz", "bzip2", "lz4".  Nothing where they are not packed.
[[nodiscard]] std::optional<std::string_view> find_compression(ByteView first_bytes) noexcept;

/// Where unpacking may begin anew: a gzip member or a zstd frame starts at `packed` and goes on at `unpacked`.
struct RestartPoint {
    ByteOffset packed;
    ByteOffset unpacked;
    bool operator==(const RestartPoint&) const = default;
};

/// Unpacks from front to back.  Not thread safe.
///
/// Memory: the window of the format (128 MiB at most) and 192 KiB, whatever the input says.
class Decompressor {
public:
    Decompressor() = default;
    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;
    virtual ~Decompressor() = default;

    struct Step {
        std::size_t bytes{}; ///< at the front of `into`; may be 0 before the end, too
        bool is_end{};       ///< nothing follows
    };
    /// Unpacks a little: takes 64 KiB of the packed source at most, so that the caller may stop in the midst of a bomb.
    /// Errors: those of the source; truncated, malformed (where = the place in the packed source), unsupported.
    virtual Result<Step> read(std::span<std::byte> into) = 0;
    /// How much of the packed source was taken.
    [[nodiscard]] virtual ByteOffset packed_position() const noexcept = 0;
    /// The start, and those members or frames that began a MiB or more (unpacked) after the last; 4096 at most: where
    /// there are more, every second goes.
    [[nodiscard]] virtual const std::vector<RestartPoint>& restart_points() const noexcept = 0;
};

/// From the start, or from one of restart_points().
/// Errors: unsupported (a format that is not unpacked here, or not packed at all: names it and how to unpack it).
[[nodiscard]] Result<std::unique_ptr<Decompressor>> make_decompressor(SourcePtr packed, RestartPoint from = {});

/// What `packed` holds, for random access, when its size is known from reading it once.
///
/// Reading forward is cheap, back within the last 8 MiB too; further back it unpacks again from the last member or
/// frame before.  Thread safe; readers wait for each other.  A source that ends earlier than `size` fails with
/// truncated.
[[nodiscard]] SourcePtr make_decompressed(SourcePtr packed, ByteCount size, std::vector<RestartPoint> points = {});

/// The same, reading it once to know its size; `see`, where there is one, gets every byte of it on the way, in order.
/// Progress: step "unpack", unit "bytes", of the packed file.  Errors: those of Decompressor; cancelled.
[[nodiscard]] Result<SourcePtr> make_decompressed(SourcePtr packed, const RunContext& context,
                                                  const std::function<void(ByteView)>& see = {});

} // namespace salvage::io
