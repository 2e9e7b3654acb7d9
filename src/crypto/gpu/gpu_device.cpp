#include "crypto/gpu/gpu_device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>
#include <map>
#include <optional>
#include <utility>

#include "crypto/gpu/pbkdf2.hpp"
#include "crypto/gpu/scrypt.hpp"
#include "crypto/gpu/session.hpp"
#include "crypto/kdf/hmac_blocks.hpp"
#include "crypto/kdf/job.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::crypto::gpu {
namespace {

/// PBKDF2 work items for each compute unit: four times what it holds at once, so that the last ones matter little.
constexpr std::size_t gpu_items_a_unit = 8192;
/// Words of candidates for each core where OpenCL runs on a CPU: milliseconds of work.
constexpr std::size_t cpu_words_a_unit = 4;
/// Most secrets in one batch, whatever a device says of itself: some 300 MB of tables.
constexpr std::size_t largest_batch = std::size_t{1} << 20U;
/// Parts of the first PBKDF2 of scrypt, p * 4 r: bounds the tables of a batch.
constexpr unsigned most_scrypt_numbers_log2 = 12;

/// What the kernels do not take of what scrypt does.
Result<> check_gpu_scrypt(ScryptFactors factors)
{
    SALVAGE_TRY(check_scrypt(factors));
    if (factors.r_log2 > most_gpu_scrypt_r_log2 || factors.p_log2 + factors.r_log2 + 2U > most_scrypt_numbers_log2) {
        return unsupported(
            fmt::format("scrypt factors {}:{}:{} are not for a GPU", factors.n_log2, factors.r_log2, factors.p_log2),
            "it takes r up to 8, and p * r up to 1024", "Android writes 15:3:1");
    }
    return {};
}

class GpuDevice final : public KdfDevice {
public:
    GpuDevice(const GpuDriver& driver, GpuOptions options, std::uint64_t seed)
        : session_{driver}, options_{std::move(options)}, seed_{seed}
    {
    }

    [[nodiscard]] std::string name() const override { return session_.name(); }
    [[nodiscard]] bool is_lost() const noexcept override { return is_lost_; }
    [[nodiscard]] std::size_t batch_size(const KdfJob& job) const noexcept override;
    Result<> derive(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys) override;

    /// For self-tests: every way of keeping scrypt's table is tried, not only the one that small factors lead to.
    void set_scrypt_gap(std::optional<unsigned> gap_log2);

private:
    Result<> derive_batch(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys);
    Result<> run(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys);
    Result<> run_pbkdf2(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys);
    Result<> run_scrypt(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys);
    Result<Pbkdf2*> pbkdf2(KdfKind kind);
    Result<Scrypt*> scrypt_of(std::uint32_t r_log2);
    /// Which secret of a batch is looked at again: no pattern that a fault could have.
    std::size_t choose_witness(std::span<const ByteView> secrets);
    [[nodiscard]] ByteCount memory() const noexcept;

    Session session_; // first: what follows lives in its memory
    GpuOptions options_;
    std::uint64_t seed_;
    bool is_lost_{false};
    std::optional<Pbkdf2> sha1_;
    std::optional<Pbkdf2> sha256_;
    std::map<std::uint32_t, Scrypt> scrypts_; ///< by r_log2
};

ByteCount GpuDevice::memory() const noexcept
{
    // In thousandths: as a double, the largest number of bytes would be one more than 64 bits hold.
    const auto thousandths = static_cast<std::uint64_t>(std::clamp(options_.memory_share, 0.0, 1.0) * 1000);
    return ByteCount{session_.properties().memory_bytes / 1000 * thousandths};
}

std::size_t GpuDevice::batch_size(const KdfJob& job) const noexcept
{
    if (options_.batch) {
        return std::clamp<std::size_t>(*options_.batch, 1, largest_batch);
    }
    if (job.kind == KdfKind::scrypt) {
        const auto found = scrypts_.find(job.factors.r_log2);
        return found == scrypts_.end() || !check_gpu_scrypt(job.factors)
                   ? 1
                   : std::min(found->second.batch_size(job.factors), largest_batch);
    }
    const auto& device = session_.properties();
    if (device.is_cpu != 0) {
        return std::size_t{device.compute_units} * device.word_lanes * cpu_words_a_unit;
    }
    const auto digest_bytes = kdf::digest_words(job.kind) * kdf::word_bytes;
    const auto numbers = std::max<std::size_t>((job.key_bytes + digest_bytes - 1) / digest_bytes, 1);
    return std::clamp<std::size_t>(device.compute_units * gpu_items_a_unit / numbers, 1, largest_batch);
}

Result<Pbkdf2*> GpuDevice::pbkdf2(KdfKind kind)
{
    auto& program = kind == KdfKind::pbkdf2_sha1 ? sha1_ : sha256_;
    if (!program) {
        program.emplace(SALVAGE_TRY(Pbkdf2::make(session_, kind, options_.launch_time)));
    }
    return &*program;
}

Result<Scrypt*> GpuDevice::scrypt_of(std::uint32_t r_log2)
{
    if (const auto found = scrypts_.find(r_log2); found != scrypts_.end()) {
        return &found->second;
    }
    auto* const first = SALVAGE_TRY(pbkdf2(KdfKind::pbkdf2_sha256));
    auto program = SALVAGE_TRY(
        Scrypt::make(session_, *first, r_log2,
                     {.launch_time = options_.launch_time, .memory = memory(), .gap_log2 = options_.scrypt_gap_log2}));
    return &scrypts_.emplace(r_log2, std::move(program)).first->second;
}

void GpuDevice::set_scrypt_gap(std::optional<unsigned> gap_log2)
{
    options_.scrypt_gap_log2 = gap_log2;
    std::ranges::for_each(scrypts_, [gap_log2](auto& program) { program.second.set_gap(gap_log2); });
}

std::size_t GpuDevice::choose_witness(std::span<const ByteView> secrets)
{
    // The batch's ends stand for its content: neighbouring batches differ there, and the seed is nobody's.
    std::array<std::byte, 8> number{};
    store_le(std::span{number}, seed_);
    Sha256 hash;
    hash.update(number);
    hash.update(secrets.front());
    hash.update(secrets.back());
    auto digest = hash.finish();
    seed_ = load_le<std::uint64_t>(digest);
    const auto chosen = load_le<std::uint64_t>(ByteView{digest}.subspan(8)) % secrets.size();
    wipe(digest);
    return static_cast<std::size_t>(chosen);
}

Result<> GpuDevice::run_pbkdf2(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys)
{
    auto* const program = SALVAGE_TRY(pbkdf2(job.kind));
    return program->derive(job, secrets, keys, options_.context);
}

Result<> GpuDevice::run_scrypt(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys)
{
    auto* const program = SALVAGE_TRY(scrypt_of(job.factors.r_log2));
    return program->derive(job, secrets, keys, options_.context);
}

Result<> GpuDevice::run(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys)
{
    auto done = job.kind == KdfKind::scrypt ? run_scrypt(job, secrets, keys) : run_pbkdf2(job, secrets, keys);
    if (!done && done.error().code == ErrorCode::no_space) {
        done.error().code = ErrorCode::io; // tables of this size were asked for by nobody but us
    }
    is_lost_ = is_lost_ || (!done && done.error().code == ErrorCode::io);
    return done;
}

Result<> GpuDevice::derive_batch(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys)
{
    const auto chosen = choose_witness(secrets);
    SecretBytes expected{job.key_bytes};
    // Beside the device's own work: a scrypt takes a core some 200 ms.
    auto witness = std::async(std::launch::async, [&job, &expected, secret = secrets[chosen]] {
        return derive_key(job, secret, expected.expose_for_writing());
    });
    auto done = run(job, secrets, keys);
    auto seen = witness.get();
    if (!done) {
        return done;
    }
    if (!seen) {
        return seen;
    }
    if (!equal_constant_time(expected.expose(), keys.subspan(chosen * job.key_bytes, job.key_bytes))) {
        is_lost_ = true;
        return Error{.code = ErrorCode::io,
                     .what = fmt::format("{} derived a wrong key", name()),
                     .why = "one secret of every batch is derived again on the CPU, and the two differ",
                     .where = std::nullopt,
                     .hint = "overclocking, heat and bad memory do this; nothing that it said of this batch is used",
                     .trail = {}};
    }
    return {};
}

Result<> GpuDevice::derive(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys)
{
    if (is_lost_) {
        return Error{.code = ErrorCode::io,
                     .what = fmt::format("{} is not used any more", name()),
                     .why = "it failed before",
                     .where = std::nullopt,
                     .hint = {},
                     .trail = {}};
    }
    SALVAGE_TRY(kdf::check_sizes(job, secrets.size(), keys.size()));
    if (job.kind == KdfKind::scrypt) {
        SALVAGE_TRY(check_gpu_scrypt(job.factors));
    }
    if (keys.empty()) {
        return {};
    }
    if (job.kind == KdfKind::scrypt) {
        SALVAGE_TRY(scrypt_of(job.factors.r_log2)); // batch_size asks it
    }
    const auto at_once = batch_size(job);
    for (std::size_t from = 0; from < secrets.size(); from += at_once) {
        const auto count = std::min(at_once, secrets.size() - from);
        const auto into = keys.subspan(from * job.key_bytes, count * job.key_bytes);
        const auto done = derive_batch(job, secrets.subspan(from, count), into);
        if (!done) {
            wipe(keys); // half a truth
            return done;
        }
    }
    return {};
}

} // namespace

Result<std::unique_ptr<KdfDevice>> make_gpu_device(const GpuDriver& driver, const GpuOptions& options)
{
    std::array<std::byte, 8> seed{};
    const auto filled = options.context.entropy->fill(seed);
    auto device = std::make_unique<GpuDevice>(driver, options, load_le<std::uint64_t>(seed));
    if (!filled) {
        return filled.error();
    }
    const auto tested = self_test(*device);
    if (!tested) {
        return tested.error();
    }
    device->set_scrypt_gap(1);
    const auto traded = self_test_scrypt(*device);
    if (!traded) {
        return traded.error();
    }
    device->set_scrypt_gap(options.scrypt_gap_log2);
    return std::unique_ptr<KdfDevice>{std::move(device)};
}

} // namespace salvage::crypto::gpu
