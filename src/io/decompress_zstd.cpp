// zstd (RFC 8878) by libzstd.
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "io/decompress_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::io {
namespace {

struct FreeContext {
    void operator()(ZSTD_DCtx* context) const noexcept { ::ZSTD_freeDCtx(context); }
};

class Zstd final : public Decompressor {
public:
    Zstd(SourcePtr packed, RestartPoint from)
        : input_{std::move(packed), from.packed}, points_{from}, unpacked_{from.unpacked}, context_{::ZSTD_createDCtx()}
    {
        if (context_ != nullptr) {
            ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, static_cast<int>(max_zstd_window_log));
        }
    }

    Result<Step> read(std::span<std::byte> into) override
    {
        if (context_ == nullptr) {
            return Error{ErrorCode::internal, "libzstd cannot be started", "there is no memory", std::nullopt, {}, {}};
        }
        // In the midst of a frame there may be output without more input: only where that gives nothing is it cut off.
        const bool has_input = SALVAGE_TRY(input_.fill());
        if (!has_input && !is_in_frame_) {
            return Step{.is_end = true};
        }
        if (!is_in_frame_) {
            points_.add({.packed = input_.position(), .unpacked = unpacked_});
        }
        const auto rest = input_.rest();
        ZSTD_inBuffer in{.src = rest.data(), .size = rest.size(), .pos = 0};
        ZSTD_outBuffer out{.dst = into.data(), .size = into.size(), .pos = 0};
        const auto status = ::ZSTD_decompressStream(context_.get(), &out, &in);
        input_.keep(rest.size() - in.pos);
        if (::ZSTD_isError(status) != 0) {
            return explained(status);
        }
        if (!has_input && out.pos == 0) {
            return packed_truncated(input_, "a zstd file is cut off");
        }
        unpacked_ = unpacked_ + ByteCount{out.pos};
        is_in_frame_ = status != 0;
        return Step{.bytes = out.pos, .is_end = !is_in_frame_ && input_.is_at_end()};
    }
    [[nodiscard]] ByteOffset packed_position() const noexcept override { return input_.position(); }
    [[nodiscard]] const std::vector<RestartPoint>& restart_points() const noexcept override { return points_.all(); }

private:
    [[nodiscard]] Error explained(std::size_t status) const
    {
        switch (::ZSTD_getErrorCode(status)) {
        case ZSTD_error_frameParameter_windowTooLarge:
            return unsupported("a zstd file needs much memory to be unpacked",
                               fmt::format("its window is larger than {}",
                                           format_size(ByteCount{std::uint64_t{1} << max_zstd_window_log})),
                               "unpack it with `zstd -d --long=31` and name what was in it");
        case ZSTD_error_dictionary_wrong:
            return unsupported("a zstd file was packed with a dictionary", "the dictionary is not in the file",
                               "unpack it with `zstd -d -D DICTIONARY` and name what was in it");
        default:
            return packed_malformed(input_, "a packed file cannot be unpacked",
                                    fmt::format("libzstd says: {}", ::ZSTD_getErrorName(status)));
        }
    }

    PackedInput input_;
    RestartPoints points_;
    ByteOffset unpacked_;
    std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
    bool is_in_frame_{false};
};

} // namespace

std::unique_ptr<Decompressor> make_zstd_decompressor(SourcePtr packed, RestartPoint from)
{
    return std::make_unique<Zstd>(std::move(packed), from);
}

} // namespace salvage::io
