// The whole search beside the bare kernel it runs on: what candidates, judging and checkpoints cost.  One core and two,
// beside a plain loop over OpenSSL.  Footers as Android up to 4.3 wrote them (PBKDF2) and from 4.4 on (scrypt).
#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <array>
#include <filesystem>
#include <string>

#include "salvage/crypto/cipher.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/password/session.hpp"
#include "salvage/rescue/search.hpp"

namespace {

using namespace salvage;

constexpr std::size_t key_bytes = 16;
constexpr std::size_t userdata_bytes = std::size_t{64} << 10U;

Bytes noise(std::size_t size, std::uint64_t seed)
{
    Bytes out(size);
    for (auto& byte : out) {
        seed = (seed * 6364136223846793005ULL) + 1442695040888963407ULL;
        byte = static_cast<std::byte>(seed >> 56U);
    }
    return out;
}

fde::CryptoFooter footer_of(fde::Kdf kdf)
{
    fde::CryptoFooter footer;
    footer.minor = 3;
    footer.key_bytes = key_bytes;
    footer.cipher = "aes-cbc-essiv:sha256";
    footer.fs_size = SectorCount{userdata_bytes / 512};
    footer.wrapped_key = noise(key_bytes, 1);
    footer.salts = {noise(16, 2)};
    footer.kdf = kdf;
    return footer;
}

/// Candidates of one run: a second or more.
std::uint64_t candidates_of(fde::Kdf kdf)
{
    return kdf == fde::Kdf::scrypt ? 128 : 20'000;
}

constexpr std::size_t lanes = 16;

crypto::KdfJob job_of(const fde::CryptoFooter& footer)
{
    return {.kind = footer.kdf == fde::Kdf::scrypt ? crypto::KdfKind::scrypt : crypto::KdfKind::pbkdf2_sha1,
            .salt = footer.salts.front(),
            .iterations = Iterations{2000},
            .factors = footer.scrypt,
            .key_bytes = 32};
}

/// What OpenSSL derives from the same.
std::array<std::byte, 32> openssl_key(const fde::CryptoFooter& footer, std::string_view secret)
{
    std::array<std::byte, 32> key{};
    const auto& salt = footer.salts.front();
    if (footer.kdf == fde::Kdf::scrypt) {
        EVP_PBE_scrypt(secret.data(), secret.size(), as_uchar(ByteView{salt}), salt.size(), 1U << footer.scrypt.n_log2,
                       1U << footer.scrypt.r_log2, 1U << footer.scrypt.p_log2, std::uint64_t{1} << 30U,
                       as_uchar(std::span<std::byte>{key}), key.size());
    } else {
        PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()), as_uchar(ByteView{salt}),
                          static_cast<int>(salt.size()), 2000, EVP_sha1(), int{key.size()},
                          as_uchar(std::span<std::byte>{key}));
    }
    return key;
}

fde::Kdf kdf_of(const benchmark::State& state)
{
    return state.range(0) == 0 ? fde::Kdf::pbkdf2 : fde::Kdf::scrypt;
}

void finish(benchmark::State& state, bool is_right, std::uint64_t count)
{
    if (!is_right) {
        state.SkipWithError("wrong answer");
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}

void openssl(benchmark::State& state)
{
    const auto footer = footer_of(kdf_of(state));
    const std::uint64_t count = kdf_of(state) == fde::Kdf::scrypt ? 4 : 1000;
    const auto first = openssl_key(footer, "0");
    bool is_right = true;
    for (auto _ : state) {
        for (std::uint64_t i = 0; i < count; ++i) {
            is_right = is_right && (openssl_key(footer, std::to_string(i)) == first) == (i == 0);
        }
    }
    finish(state, is_right, count);
}

/// The device alone, on one core.
void bare_kernel(benchmark::State& state)
{
    const auto footer = footer_of(kdf_of(state));
    const auto device = crypto::make_cpu_kdf_device({.isa = {}, .scrypt_lanes = lanes}).unwrap();
    const auto job = job_of(footer);
    const auto batch = device->batch_size(job);
    std::vector<std::string> texts;
    std::vector<ByteView> views;
    for (std::size_t i = 0; i < batch; ++i) {
        texts.push_back(std::to_string(i));
    }
    for (const auto& text : texts) {
        views.push_back(as_bytes(text));
    }
    Bytes keys(batch * job.key_bytes);
    bool is_right = device->derive(job, views, keys).has_value();
    for (std::size_t i = 0; i < batch; ++i) {
        const auto key = ByteView{keys}.subspan(i * job.key_bytes, job.key_bytes);
        is_right = is_right && std::ranges::equal(key, openssl_key(footer, texts[i]));
    }
    const auto count = candidates_of(kdf_of(state)) / batch * batch;
    for (auto _ : state) {
        for (std::uint64_t done = 0; done < count; done += batch) {
            is_right = device->derive(job, views, keys).has_value() && is_right;
        }
    }
    finish(state, is_right, count);
}

/// Everything: numbered PINs, the judge with userdata's superblocks, checkpoints on disk.
void whole_search(benchmark::State& state)
{
    rescue::SearchSubject subject;
    subject.unlocker = fde::make_unlocker(footer_of(kdf_of(state))).unwrap();
    subject.userdata = io::make_memory(noise(userdata_bytes, 3), "userdata");
    const auto threads = static_cast<unsigned>(state.range(1));
    rescue::CrackPlan plan;
    plan.steps.push_back({.name = "PIN", .keyspace = password::make_pins(6, 6).unwrap(), .seconds = 0});
    const password::DevicePlan devices{.threads = threads, .lanes = lanes};
    plan.opened = std::make_shared<const password::Devices>(password::make_devices(devices).unwrap());
    const auto file = std::filesystem::temp_directory_path() / "salvage-search-bench.session";
    rescue::SearchRun run;
    run.session_file = file;
    run.limit = candidates_of(kdf_of(state)) * threads;
    bool is_right = true;
    for (auto _ : state) {
        std::filesystem::remove(file);
        const auto report = rescue::run_search(std::span{&subject, 1}, plan, {}, run, {}).unwrap();
        is_right = is_right && report.end == password::SearchEnd::exhausted && report.tried == *run.limit;
    }
    std::filesystem::remove(file);
    finish(state, is_right, *run.limit);
}

/// A device that costs nothing, in the batches of a big GPU: every key is the secret with noise behind it.
class FreeDevice final : public crypto::KdfDevice {
public:
    [[nodiscard]] std::string name() const override { return "free"; }
    [[nodiscard]] std::size_t batch_size(const crypto::KdfJob& /*job*/) const noexcept override { return 1U << 19U; }
    Result<> derive(const crypto::KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys) override
    {
        for (std::size_t i = 0; i < secrets.size(); ++i) {
            const auto key = keys.subspan(i * job.key_bytes, job.key_bytes);
            std::ranges::copy(secrets[i].first(std::min(secrets[i].size(), key.size())), key.begin());
        }
        return {};
    }
};

/// What a thread does around a GPU's derivation: numbers to candidates, keys to answers.  Its rate is the most that one
/// thread feeds a GPU with.
void around_a_gpu(benchmark::State& state)
{
    rescue::SearchSubject subject;
    subject.unlocker = fde::make_unlocker(footer_of(fde::Kdf::pbkdf2)).unwrap();
    subject.userdata = io::make_memory(noise(userdata_bytes, 3), "userdata");
    rescue::CrackPlan plan;
    plan.steps.push_back({.name = "PIN", .keyspace = password::make_pins(8, 8).unwrap(), .seconds = 0});
    password::Devices devices;
    devices.push_back(std::make_unique<FreeDevice>());
    plan.opened = std::make_shared<const password::Devices>(std::move(devices));
    rescue::SearchRun run;
    run.limit = std::uint64_t{1} << 21U;
    bool is_right = true;
    for (auto _ : state) {
        const auto report = rescue::run_search(std::span{&subject, 1}, plan, {}, run, {}).unwrap();
        is_right = is_right && report.end == password::SearchEnd::exhausted && report.tried == *run.limit;
    }
    finish(state, is_right, *run.limit);
}

// First argument: 0 PBKDF2, 1 scrypt 15:3:1 with 16 lanes.  Second: threads.
BENCHMARK(openssl)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(bare_kernel)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->MinWarmUpTime(0.5)->UseRealTime();
BENCHMARK(whole_search)
    ->ArgsProduct({{0, 1}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->MinWarmUpTime(0.5)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK(around_a_gpu)->Unit(benchmark::kMillisecond)->UseRealTime();

} // namespace
