// What a device must get right before its answers count.
#include <fmt/format.h>

#include <array>
#include <string_view>
#include <vector>

#include "crypto/gpu/gpu_device.hpp"
#include "salvage/crypto/kdf.hpp"

namespace salvage::crypto::gpu {
namespace {

struct KnownAnswer {
    std::string_view origin;
    KdfKind kind;
    std::string_view secret;
    std::string_view salt;
    Iterations iterations;
    ScryptFactors factors;
    std::string_view key;
};

constexpr std::array known_answers{
    KnownAnswer{"RFC 6070, third",
                KdfKind::pbkdf2_sha1,
                "password",
                "salt",
                Iterations{4096},
                {},
                "4b007901b765489abead49d926f721d065a429c1"},
    KnownAnswer{"RFC 6070, fourth",
                KdfKind::pbkdf2_sha1,
                "passwordPASSWORDpassword",
                "saltSALTsaltSALTsaltSALTsaltSALTsalt",
                Iterations{4096},
                {},
                "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
    KnownAnswer{"RFC 7914, 11",
                KdfKind::pbkdf2_sha256,
                "passwd",
                "salt",
                Iterations{1},
                {},
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
    // RFC 7914's own scrypts are either too small to fill a row of r = 8 or take long on a CPU.  By Python's
    // hashlib.scrypt(b"4711", salt=b"0123456789abcdef", n=256, r=8, p=4, dklen=48).
    KnownAnswer{"scrypt of hashlib",
                KdfKind::scrypt,
                "4711",
                "0123456789abcdef",
                Iterations{0},
                {.n_log2 = 8, .r_log2 = 3, .p_log2 = 2},
                "e4edf82a01c9ff8e5ce31763476d2fcce3b2de408604fdf4"
                "d5182c661c5d5aaf34305c33ec94f1d0068b4833065e7e10"},
};

Error wrong_answer(const KdfDevice& device, std::string_view which)
{
    return unsupported(fmt::format("{} fails its self-test", device.name()), fmt::format("wrong: {}", which),
                       "its driver or its hardware is faulty; it is not used");
}

Result<> test_known(KdfDevice& device, const KnownAnswer& known)
{
    const auto expected = SALVAGE_TRY(from_hex(known.key));
    const auto salt = as_bytes(known.salt);
    const KdfJob job{.kind = known.kind,
                     .salt = {salt.begin(), salt.end()},
                     .iterations = known.iterations,
                     .factors = known.factors,
                     .key_bytes = expected.size()};
    const std::array secrets{as_bytes(known.secret)};
    Bytes key(expected.size());
    SALVAGE_TRY(device.derive(job, secrets, key).in(known.origin));
    return key == expected ? Result<>{} : Result<>{wrong_answer(device, known.origin)};
}

/// Enough secrets that every work item of several groups has one of its own.
constexpr std::size_t many = 300;

/// Different secrets side by side, some longer than a block of the hash: each compared.
Result<> test_many(KdfDevice& device, KdfKind kind)
{
    const KdfJob job{
        .kind = kind, .salt = Bytes(16, std::byte{0xA5}), .iterations = Iterations{3}, .factors = {}, .key_bytes = 48};
    Bytes text(many);
    for (std::size_t i = 0; i < many; ++i) {
        text[i] = static_cast<std::byte>((i * 7) + (i >> 4U));
    }
    std::vector<ByteView> secrets;
    secrets.reserve(many);
    for (std::size_t i = 0; i < many; ++i) {
        secrets.push_back(ByteView{text}.subspan(i, (i * 5) % (many - i)));
    }
    Bytes keys(many * job.key_bytes);
    SALVAGE_TRY(device.derive(job, secrets, keys));
    const auto on_cpu = kind == KdfKind::pbkdf2_sha1 ? pbkdf2_sha1 : pbkdf2_sha256;
    for (std::size_t i = 0; i < many; ++i) {
        Bytes expected(job.key_bytes);
        on_cpu(secrets[i], job.salt, job.iterations, expected);
        if (!std::ranges::equal(ByteView{keys}.subspan(i * job.key_bytes, job.key_bytes), expected)) {
            return wrong_answer(device, fmt::format("secret {} of {} side by side", i, many));
        }
    }
    return {};
}

} // namespace

Result<> self_test_scrypt(KdfDevice& device)
{
    return test_known(device, known_answers.back());
}

Result<> self_test(KdfDevice& device)
{
    for (const auto& known : known_answers) {
        SALVAGE_TRY(test_known(device, known));
    }
    SALVAGE_TRY(test_many(device, KdfKind::pbkdf2_sha1));
    return test_many(device, KdfKind::pbkdf2_sha256);
}

} // namespace salvage::crypto::gpu
