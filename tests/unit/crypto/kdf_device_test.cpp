// Which kernels a device runs, its bounds, and published vectors through every one of them.
#include "salvage/crypto/kdf_device.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "crypto/kdf/selection.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/vectors.hpp"
#include "unit/crypto/kdf_bulk_support.hpp"

namespace salvage::crypto {
namespace {

using test::device_of;
using test::fails_with;
using test::is_ok;
using test::keys_of;

class KdfDevices : public test::EveryIsa {};
SALVAGE_FOR_EVERY_ISA(KdfDevices);

bool has_scrypt(Isa isa)
{
    return isa != Isa::sha_ni;
}

TEST_P(KdfDevices, RunTheInstructionSetThatIsForced)
{
    const auto name = device_of(GetParam())->name();
    const auto isa = std::string{to_string(GetParam())};
    EXPECT_NE(name.find("SHA1 " + isa + " "), std::string::npos) << name;
    EXPECT_NE(name.find("SHA256 " + isa + " "), std::string::npos) << name;
    EXPECT_NE(name.find("scrypt " + (has_scrypt(GetParam()) ? isa : "portable") + " "), std::string::npos) << name;
}

/// The name is made from the selection; the selection must be the kernels of that set's own file.
TEST_P(KdfDevices, TakeTheKernelsFromTheFileOfTheForcedSet)
{
    struct File {
        Isa isa;
        const kdf::Pbkdf2Kernels& pbkdf2;
        const kdf::ScryptKernels& scrypt;
    };
#if defined(__x86_64__)
    const std::array files{
        File{.isa = Isa::portable, .pbkdf2 = kdf::pbkdf2_portable, .scrypt = kdf::scrypt_portable},
        File{.isa = Isa::sse2, .pbkdf2 = kdf::pbkdf2_sse2, .scrypt = kdf::scrypt_sse2},
        File{.isa = Isa::sha_ni, .pbkdf2 = kdf::pbkdf2_sha_ni, .scrypt = kdf::scrypt_portable},
        File{.isa = Isa::avx2, .pbkdf2 = kdf::pbkdf2_avx2, .scrypt = kdf::scrypt_avx2},
        File{.isa = Isa::avx512, .pbkdf2 = kdf::pbkdf2_avx512, .scrypt = kdf::scrypt_avx512},
    };
#else
    const std::array files{
        File{.isa = Isa::portable, .pbkdf2 = kdf::pbkdf2_portable, .scrypt = kdf::scrypt_portable},
#if defined(__aarch64__)
        File{.isa = Isa::neon, .pbkdf2 = kdf::pbkdf2_neon, .scrypt = kdf::scrypt_neon},
#endif
    };
#endif
    const auto selection = kdf::select_kernels(GetParam());
    const auto* const file = std::ranges::find(files, GetParam(), &File::isa);
    ASSERT_NE(file, files.end());
    EXPECT_EQ(selection.sha1.kernels, &file->pbkdf2.sha1);
    EXPECT_EQ(selection.sha256.kernels, &file->pbkdf2.sha256);
    EXPECT_EQ(selection.scrypt.kernels, &file->scrypt);
}

TEST_P(KdfDevices, AgreeWithThePublishedVectors)
{
    const auto device = device_of(GetParam());
    std::size_t checked = 0;
    for (const auto& record : test::read_vectors(test::sample("crypto/kdf.vec"))) {
        const auto log2 = [&](std::string_view factor) {
            return static_cast<std::uint8_t>(std::countr_zero(record.number(factor)));
        };
        KdfJob job{.salt = record.bytes("Salt"), .key_bytes = record.bytes("Key").size()};
        if (record.section() == "scrypt") {
            job.kind = KdfKind::scrypt;
            job.factors = {.n_log2 = log2("N"), .r_log2 = log2("R"), .p_log2 = log2("P")};
        } else {
            job.kind = record.section() == "PBKDF2-HMAC-SHA1" ? KdfKind::pbkdf2_sha1 : KdfKind::pbkdf2_sha256;
            job.iterations = Iterations{static_cast<std::uint32_t>(record.number("Iterations"))};
        }
        EXPECT_EQ(to_hex(keys_of(*device, job, {record.bytes("Password")})), to_hex(record.bytes("Key")))
            << record.where();
        ++checked;
    }
    EXPECT_GE(checked, 14U);
}

TEST(KdfDevice, TakesTheFastestKernelsWhereNoneIsForced)
{
    const auto name = make_cpu_kdf_device().unwrap()->name();
    if (supported_isas().size() > 2) {
        EXPECT_EQ(name.find("portable"), std::string::npos) << name;
    }
}

TEST(KdfDevice, RefusesAnInstructionSetTheMachineDoesNotHave)
{
    std::size_t refused = 0;
    for (const auto isa : {Isa::portable, Isa::sse2, Isa::sha_ni, Isa::avx2, Isa::avx512, Isa::neon}) {
        if (std::ranges::find(supported_isas(), isa) == supported_isas().end()) {
            EXPECT_TRUE(fails_with(make_cpu_kdf_device({.isa = isa}), ErrorCode::unsupported)) << to_string(isa);
            ++refused;
        }
    }
    EXPECT_GE(refused, 1U) << "no machine has both x86's and ARM's sets";
}

TEST(KdfDevice, KnowsInstructionSetsByName)
{
    EXPECT_EQ(supported_isas().front(), Isa::portable);
    for (const auto isa : supported_isas()) {
        EXPECT_EQ(parse_isa(to_string(isa)).unwrap(), isa);
    }
    const auto unknown = parse_isa("mmx");
    ASSERT_TRUE(fails_with(unknown, ErrorCode::invalid_argument));
    EXPECT_NE(unknown.error().hint.find("portable"), std::string::npos) << unknown.error().hint;
    EXPECT_TRUE(fails_with(parse_isa(""), ErrorCode::invalid_argument));
}

TEST(KdfDevice, RefusesWhatIsOutsideItsBounds)
{
    const auto device = make_cpu_kdf_device().unwrap();
    const auto secrets = test::some_secrets(2);
    const auto views = test::views_of(secrets);
    const auto derive = [&](const KdfJob& job) {
        Bytes keys(views.size() * job.key_bytes);
        return device->derive(job, views, keys);
    };
    for (const auto kind : {KdfKind::pbkdf2_sha1, KdfKind::pbkdf2_sha256, KdfKind::scrypt}) {
        const KdfJob largest{.kind = kind,
                             .salt = Bytes(max_kdf_salt_bytes),
                             .iterations = Iterations{2},
                             .factors = {.n_log2 = 2, .r_log2 = 0, .p_log2 = 0},
                             .key_bytes = max_kdf_key_bytes};
        EXPECT_TRUE(is_ok(derive(largest)));
        auto job = largest;
        job.salt.push_back({});
        EXPECT_TRUE(fails_with(derive(job), ErrorCode::unsupported));
        job = largest;
        ++job.key_bytes;
        EXPECT_TRUE(fails_with(derive(job), ErrorCode::unsupported));
        Bytes too_short((2 * max_kdf_key_bytes) - 1);
        EXPECT_TRUE(fails_with(device->derive(largest, views, too_short), ErrorCode::invalid_argument));
    }
    for (const auto factors :
         {ScryptFactors{.n_log2 = 0, .r_log2 = 3, .p_log2 = 1}, ScryptFactors{.n_log2 = 24, .r_log2 = 3, .p_log2 = 1},
          ScryptFactors{.n_log2 = 255, .r_log2 = 255, .p_log2 = 255}}) {
        EXPECT_TRUE(fails_with(derive({.kind = KdfKind::scrypt, .factors = factors}), ErrorCode::unsupported));
    }
    EXPECT_FALSE(device->is_lost());
}

TEST(KdfDevice, SaysHowManySecretsItLikesAndHowMuchMemoryALaneTakes)
{
    using namespace literals;
    EXPECT_EQ(scrypt_lane_memory({}), 32_MiB);
    EXPECT_EQ(scrypt_lane_memory({.n_log2 = 255, .r_log2 = 255, .p_log2 = 0}).value, ~std::uint64_t{0});
    const auto device = make_cpu_kdf_device({.scrypt_lanes = 8}).unwrap();
    const auto size = [&](std::uint8_t p_log2) {
        return device->batch_size({.kind = KdfKind::scrypt, .factors = {.n_log2 = 4, .r_log2 = 3, .p_log2 = p_log2}});
    };
    EXPECT_GE(size(0), 1U);
    EXPECT_EQ(size(1), std::max(size(0) / 2, std::size_t{1})) << "each secret fills two lanes";
    EXPECT_EQ(size(255), 1U);
    EXPECT_GE(device->batch_size({.kind = KdfKind::pbkdf2_sha1}), 1U);
    EXPECT_GE(device->batch_size({.kind = KdfKind::pbkdf2_sha256}), 1U);
}

} // namespace
} // namespace salvage::crypto
