// One core as a device for key derivations.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "crypto/kdf/bulk.hpp"
#include "crypto/kdf/job.hpp"
#include "crypto/kdf/selection.hpp"

namespace salvage::crypto {
namespace {

using kdf::Selection;

class CpuKdfDevice final : public KdfDevice {
public:
    CpuKdfDevice(const Selection& selection, std::size_t scrypt_lanes) : selection_{selection}, scrypt_{scrypt_lanes} {}

    [[nodiscard]] std::string name() const override
    {
        return fmt::format("cpu (PBKDF2-SHA1 {} x{}, PBKDF2-SHA256 {} x{}, scrypt {} x{})",
                           to_string(selection_.sha1.isa), selection_.sha1.kernels->lanes,
                           to_string(selection_.sha256.isa), selection_.sha256.kernels->lanes,
                           to_string(selection_.scrypt.isa), scrypt_.lanes(*selection_.scrypt.kernels));
    }

    [[nodiscard]] std::size_t batch_size(const KdfJob& job) const noexcept override
    {
        switch (job.kind) {
        case KdfKind::pbkdf2_sha1: return selection_.sha1.kernels->lanes;
        case KdfKind::pbkdf2_sha256: return selection_.sha256.kernels->lanes;
        case KdfKind::scrypt: break;
        }
        const auto lanes = scrypt_.lanes(*selection_.scrypt.kernels);
        return job.factors.p_log2 < std::bit_width(lanes) ? lanes >> job.factors.p_log2 : 1;
    }

    [[nodiscard]] Result<> derive(const KdfJob& job, std::span<const ByteView> secrets,
                                  std::span<std::byte> keys) override
    {
        SALVAGE_TRY(kdf::check_sizes(job, secrets.size(), keys.size()));
        switch (job.kind) {
        case KdfKind::pbkdf2_sha1: pbkdf2_.derive(*selection_.sha1.kernels, job, secrets, keys); return {};
        case KdfKind::pbkdf2_sha256: pbkdf2_.derive(*selection_.sha256.kernels, job, secrets, keys); return {};
        case KdfKind::scrypt: break;
        }
        return scrypt_.derive(*selection_.scrypt.kernels, job, secrets, keys);
    }

private:
    Selection selection_;
    kdf::Pbkdf2Bulk pbkdf2_;
    kdf::ScryptBulk scrypt_;
};

} // namespace

ByteCount scrypt_lane_memory(ScryptFactors factors) noexcept
{
    constexpr unsigned bits_of_128 = 7;
    const auto bits = bits_of_128 + factors.n_log2 + factors.r_log2;
    return ByteCount{bits < 64U ? std::uint64_t{1} << bits : ~std::uint64_t{0}};
}

Result<std::unique_ptr<KdfDevice>> make_cpu_kdf_device(const CpuKdfOptions& options)
{
    if (options.isa.has_value() && !kdf::is_supported(*options.isa)) {
        return unsupported(fmt::format("this machine does not have {}", to_string(*options.isa)),
                           fmt::format("it has {}", kdf::names_of_supported_isas()),
                           "choose another instruction set, or none");
    }
    const auto lanes = std::bit_floor(std::clamp<std::size_t>(options.scrypt_lanes, 1, most_scrypt_lanes));
    return std::make_unique<CpuKdfDevice>(kdf::select_kernels(options.isa), lanes);
}

} // namespace salvage::crypto
