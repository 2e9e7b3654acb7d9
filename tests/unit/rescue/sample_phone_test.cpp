// The sample phone, judged by programs that are not ours: a Python script with its own cryptography, e2fsprogs, sgdisk.
#include "salvage/rescue/sample_phone.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <set>

#include <sys/stat.h>

#include <openssl/sha.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using test::fails_with;
using test::is_ok;
using test::run_command;

/// A spec whose scrypt takes milliseconds.
SamplePhoneSpec quick_spec()
{
    SamplePhoneSpec spec;
    spec.userdata_size = ByteCount{32U << 20U};
    spec.footer.n_log2 = 10;
    spec.content.photos = 2;
    return spec;
}

struct BuiltPhone {
    test::TemporaryFolder folder;
    Result<SamplePhone> phone;
    explicit BuiltPhone(const SamplePhoneSpec& spec) : phone{build_sample_phone(spec, folder.path(), {})} {}
};

bool is_witness_there()
{
    return run_command("python3 -c 'import cryptography' 2>/dev/null").has_value();
}

/// What the independent script says about a phone; empty where it fails.
std::string ask_witness(const SamplePhone& phone, const std::string& arguments = {})
{
    const auto script = test::sample("../../tools/testdata/check_sample_phone.py");
    return run_command(fmt::format("python3 '{}' '{}' --secret-hex {} {} 2>&1", script.string(), phone.dump.string(),
                                   to_hex(phone.secret.expose()), arguments))
        .value_or("");
}

std::string userdata_argument(const SamplePhone& phone)
{
    const auto& slot =
        *std::ranges::find_if(phone.partitions, [&](const auto& p) { return p.start == phone.userdata_at; });
    return fmt::format("--userdata {}:{}", slot.start.value, slot.size.value);
}

std::string sha256_of(const fs::path& path)
{
    const auto bytes = test::read_file(path);
    Bytes hash(SHA256_DIGEST_LENGTH);
    SHA256(as_uchar(ByteView{bytes}), bytes.size(), as_uchar(std::span{hash}));
    return to_hex(hash);
}

struct Variant {
    std::string name;
    std::function<void(SamplePhoneSpec&)> change;
    std::string arguments{};
    bool is_read_whole{false}; ///< the witness decrypts everything and e2fsck judges it
};
void PrintTo(const Variant& variant, std::ostream* out) // NOLINT(readability-identifier-naming): GoogleTest's name
{
    *out << variant.name;
}

class SamplePhoneWitness : public ::testing::TestWithParam<Variant> {};

TEST_P(SamplePhoneWitness, GetsTheMasterKeyAndFindsTheFilesystem)
{
    if (!is_witness_there()) {
        GTEST_SKIP() << "python3-cryptography is not installed";
    }
    auto spec = quick_spec();
    GetParam().change(spec);
    const BuiltPhone built{spec};
    ASSERT_TRUE(is_ok(built.phone));
    const auto& phone = *built.phone;
    const auto plain = (built.folder.path() / "plain.img").string();
    auto arguments = GetParam().arguments + (GetParam().is_read_whole ? " --decrypt " + plain : "");
    if (spec.era == SamplePhoneSpec::Era::mbr) {
        arguments += " " + userdata_argument(phone);
    }
    if (phone.phone_keys) {
        arguments += fmt::format(" --enc-key {} --hmac-key {}", to_hex(phone.phone_keys->encryption_key.expose()),
                                 to_hex(phone.phone_keys->hmac_key.expose()));
    }
    const auto answer = ask_witness(phone, arguments);
    EXPECT_NE(answer.find("master key: " + to_hex(phone.master_key.expose())), std::string::npos) << answer;
    EXPECT_NE(answer.find("proof: ext4 magic"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("WRONG"), std::string::npos) << answer;
    if (GetParam().is_read_whole) {
        EXPECT_TRUE(run_command(fmt::format("/usr/sbin/e2fsck -fn '{}' 2>&1", plain)));
    }
}

using enum SampleFooter::Layout;
using enum SampleFooter::Place;
using enum SampleFooter::Keymaster;

const std::vector<Variant> variants{
    {"default_spec", [](SamplePhoneSpec&) {}, "", true},
    {"footer_1_0_at_the_tail", [](SamplePhoneSpec& s) { s.footer.layout = aosp_1_0, s.footer.place = userdata_tail; }},
    {"footer_1_2_at_the_tail", [](SamplePhoneSpec& s) { s.footer.layout = aosp_1_2, s.footer.place = userdata_tail; }},
    {"footer_1_2_pbkdf2", [](SamplePhoneSpec& s) { s.footer.layout = aosp_1_2, s.footer.kdf = 1; }},
    {"footer_1_3_pbkdf2_without_check_value", [](SamplePhoneSpec& s) { s.footer.kdf = 1; }},
    {"footer_1_3_of_android_5", [](SamplePhoneSpec& s) { s.footer.has_own_hash = false; }},
    {"kdf_3", [](SamplePhoneSpec& s) { s.footer.kdf = 3; }},
    {"kdf_4", [](SamplePhoneSpec& s) { s.footer.kdf = 4; }},
    {"kdf_5_pkcs8", [](SamplePhoneSpec& s) { s.footer.kdf = 5; }},
    {"kdf_5_pkcs1", [](SamplePhoneSpec& s) { s.footer.kdf = 5, s.footer.keymaster = software_pkcs1; }},
    {"kdf_5_pk8", [](SamplePhoneSpec& s) { s.footer.kdf = 5, s.footer.keymaster = software_pk8; }},
    {"kdf_5_bkmk", [](SamplePhoneSpec& s) { s.footer.kdf = 5, s.footer.keymaster = bkmk; }},
    {"default_password", [](SamplePhoneSpec& s) { s.secret.kind = SampleSecret::Kind::default_password; }},
    {"pattern_digits", [](SamplePhoneSpec& s) { s.secret = {SampleSecret::Kind::pattern_digits, "14789"}; }},
    {"pattern_raw", [](SamplePhoneSpec& s) { s.secret = {SampleSecret::Kind::pattern_raw, "32147"}; }},
    {"password", [](SamplePhoneSpec& s) { s.secret = {SampleSecret::Kind::password, "correct horse é"}; }},
    {"samsung_edk", [](SamplePhoneSpec& s) { s.footer.layout = samsung_edk, s.cipher.key_bytes = 32; }},
    {"htc_1_0",
     [](SamplePhoneSpec& s) {
         s.footer.layout = aosp_1_0, s.footer.unwrap = SampleFooter::Unwrap::aes_256, s.cipher.key_bytes = 32;
     }},
    {"htc_1_2_with_salt_after_padding",
     [](SamplePhoneSpec& s) {
         s.footer.layout = aosp_1_2, s.footer.kdf = 1, s.footer.unwrap = SampleFooter::Unwrap::aes_256;
         s.footer.has_salt_after_padding = true, s.cipher.key_bytes = 32;
     }},
    {"key_of_32_bytes_unwrapped_with_aes_128", [](SamplePhoneSpec& s) { s.cipher.key_bytes = 32; }},
    {"cbc_plain64", [](SamplePhoneSpec& s) { s.cipher.name = "aes-cbc-plain64"; }},
    {"xts_128", [](SamplePhoneSpec& s) { s.cipher.name = "aes-xts-plain64", s.cipher.key_bytes = 32; }, "", true},
    {"xts_256_in_a_1_0_footer",
     [](SamplePhoneSpec& s) {
         s.cipher.name = "aes-xts-plain64", s.cipher.key_bytes = 64, s.footer.layout = aosp_1_0;
     }},
    {"large_sectors", [](SamplePhoneSpec& s) { s.cipher.sector_bytes = 4096; }, "--sector 4096", true},
    {"large_sectors_with_small_iv_numbers",
     [](SamplePhoneSpec& s) { s.cipher.sector_bytes = 4096, s.cipher.has_large_sector_ivs = false; },
     "--sector 4096 --iv-counts 512"},
    {"iv_counted_from_disk", [](SamplePhoneSpec& s) { s.cipher.is_iv_counted_from_disk = true; }, "--iv-base disk",
     true},
    {"whole_volume_encrypted", [](SamplePhoneSpec& s) { s.cipher.extent = SampleCipher::Extent::whole; }},
    {"interrupted", [](SamplePhoneSpec& s) { s.footer.flags = 0x2; }, "", true},
    {"key_in_clear", [](SamplePhoneSpec& s) { s.footer.flags = 0x1; }},
    {"wrapped_with_default_password", [](SamplePhoneSpec& s) { s.footer.flags = 0x20; }},
    {"primary_gpt_destroyed", [](SamplePhoneSpec& s) { s.damage.is_primary_gpt_destroyed = true; }},
    {"backup_gpt_destroyed", [](SamplePhoneSpec& s) { s.damage.is_backup_gpt_destroyed = true; }},
    {"one_byte_short", [](SamplePhoneSpec& s) { s.damage.is_one_byte_short = true; }},
    {"metadata_checksums", [](SamplePhoneSpec& s) { s.content.has_checksums = true; }, "", true},
    {"mbr_era",
     [](SamplePhoneSpec& s) {
         s.era = SamplePhoneSpec::Era::mbr, s.footer.layout = aosp_1_2, s.footer.place = userdata_tail;
     }},
};

INSTANTIATE_TEST_SUITE_P(Variants, SamplePhoneWitness, ::testing::ValuesIn(variants),
                         [](const auto& each) { return each.param.name; });

TEST(SamplePhone, IsTheSameForTheSameSpecAndAnotherForAnotherSeed)
{
    auto spec = quick_spec();
    spec.footer.kdf = 5;
    const BuiltPhone first{spec};
    const BuiltPhone second{spec};
    spec.seed = 2;
    const BuiltPhone third{spec};
    ASSERT_TRUE(is_ok(first.phone));
    ASSERT_TRUE(is_ok(second.phone));
    ASSERT_TRUE(is_ok(third.phone));
    EXPECT_EQ(sha256_of(first.phone->dump), sha256_of(second.phone->dump));
    EXPECT_EQ(sha256_of(first.phone->boot1), sha256_of(second.phone->boot1));
    EXPECT_NE(to_hex(first.phone->master_key.expose()), to_hex(third.phone->master_key.expose()));
}

TEST(SamplePhone, HasAPartitionTableThatSgdiskAccepts)
{
    const BuiltPhone built{quick_spec()};
    ASSERT_TRUE(is_ok(built.phone));
    const auto answer = run_command(fmt::format("/usr/sbin/sgdisk -v '{}' 2>&1", built.phone->dump.string()));
    if (!answer) {
        GTEST_SKIP() << "sgdisk is not installed";
    }
    EXPECT_NE(answer->find("No problems found"), std::string::npos) << *answer;
    EXPECT_EQ(built.phone->footer_at, ByteOffset{0x3BC8000});
}

TEST(SamplePhone, HoldsExactlyTheFilesOfItsList)
{
    auto spec = quick_spec();
    spec.content.state = SampleContent::State::not_encrypted;
    const BuiltPhone built{spec};
    ASSERT_TRUE(is_ok(built.phone));
    const auto& phone = *built.phone;
    const auto plain = built.folder.path() / "plain.img";
    const auto out = built.folder.path() / "out";
    fs::create_directory(out);
    ASSERT_TRUE(run_command(fmt::format("dd if='{}' of='{}' bs=1M skip={} count=32 status=none", phone.dump.string(),
                                        plain.string(), phone.userdata_at.value >> 20U)));
    ASSERT_TRUE(
        run_command(fmt::format("/usr/sbin/debugfs -R 'rdump / {}' '{}' 2>/dev/null", out.string(), plain.string())));
    std::set<std::string> expected;
    for (const auto& file : phone.files) {
        expected.insert(file.path);
        const auto path = out / fs::path{file.path}.relative_path();
        struct stat facts{};
        ASSERT_EQ(::lstat(path.c_str(), &facts), file.type == ExpectedFile::Type::fifo ? -1 : 0) << file.path;
        if (file.type == ExpectedFile::Type::fifo) {
            continue; // debugfs does not take special files out
        }
        EXPECT_EQ(facts.st_mode & 0777U, file.mode & 0777U) << file.path; // debugfs drops the sticky bit
        if (file.type == ExpectedFile::Type::regular) {
            EXPECT_EQ(sha256_of(path), file.sha256) << file.path;
            EXPECT_EQ(static_cast<std::uint64_t>(facts.st_size), file.size) << file.path;
            EXPECT_EQ(facts.st_mtim.tv_sec, file.mtime) << file.path;
        }
        if (file.type == ExpectedFile::Type::symlink) {
            EXPECT_EQ(fs::read_symlink(path).string(), file.link_target);
        }
    }
    for (const auto& found : fs::recursive_directory_iterator{out}) {
        EXPECT_TRUE(expected.contains("/" + found.path().lexically_relative(out).string())) << found.path();
    }
}

TEST(SamplePhone, KeepsALateFileInTheJournalOnly)
{
    auto spec = quick_spec();
    spec.content.state = SampleContent::State::not_encrypted;
    spec.content.has_dirty_journal = true;
    const BuiltPhone built{spec};
    ASSERT_TRUE(is_ok(built.phone));
    const auto plain = (built.folder.path() / "plain.img").string();
    ASSERT_TRUE(run_command(fmt::format("dd if='{}' of='{}' bs=1M skip={} count=32 status=none",
                                        built.phone->dump.string(), plain, built.phone->userdata_at.value >> 20U)));
    const auto before = run_command(fmt::format("/usr/sbin/debugfs -R 'ls -p /' '{}' 2>/dev/null", plain));
    EXPECT_EQ(before.value_or("/late/").find("/late/"), std::string::npos);
    EXPECT_TRUE(run_command(fmt::format("/usr/sbin/e2fsck -fy '{}' >/dev/null 2>&1 || true", plain)));
    const auto after = run_command(fmt::format("/usr/sbin/debugfs -R 'cat /late' '{}' 2>/dev/null", plain));
    EXPECT_EQ(after, "This file is in the journal only.\n");
}

TEST(SamplePhone, MarksLostSectorsInTheMapAndInTheList)
{
    auto spec = quick_spec();
    spec.damage.unreadable_files = {"/media/0/Music/tone.wav", "/media/0/Download/block-4097.bin"};
    const BuiltPhone built{spec};
    ASSERT_TRUE(is_ok(built.phone));
    ASSERT_TRUE(built.phone->map);
    std::ifstream map{*built.phone->map};
    std::uint64_t covered = 0;
    std::uint64_t lost = 0;
    int lines = 0;
    for (std::string line; std::getline(map, line);) {
        if (line.starts_with('#') || ++lines == 1) {
            continue;
        }
        std::uint64_t at = 0;
        std::uint64_t size = 0;
        char status = 0;
        ASSERT_EQ(std::sscanf(line.c_str(), "%lx %lx %c", &at, &size, &status), 3)
            << line; // NOLINT(cert-err34-c): %n checked by count
        EXPECT_EQ(at, covered);
        covered += size;
        lost += status == '-' ? size : 0;
    }
    EXPECT_EQ(covered, built.phone->device_size.value);
    EXPECT_EQ(lost, 2U * 1024);
    EXPECT_EQ(std::ranges::count_if(built.phone->files, [](const auto& file) { return !file.unreadable.empty(); }), 2);
}

TEST(SamplePhone, IsCutWhereItShouldBe)
{
    auto spec = quick_spec();
    spec.damage.is_cut_inside_userdata = true;
    const BuiltPhone cut{spec};
    spec.damage = {.is_one_byte_short = true};
    const BuiltPhone shorter{spec};
    ASSERT_TRUE(is_ok(cut.phone));
    ASSERT_TRUE(is_ok(shorter.phone));
    EXPECT_EQ(fs::file_size(cut.phone->dump), cut.phone->userdata_at.value + (16U << 20U));
    EXPECT_EQ(fs::file_size(shorter.phone->dump), shorter.phone->device_size.value - 1);
}

TEST(SamplePhone, HasDatabasesThatSqliteFindsWhole)
{
    auto spec = quick_spec();
    spec.content.state = SampleContent::State::not_encrypted;
    const BuiltPhone built{spec};
    ASSERT_TRUE(is_ok(built.phone));
    const auto plain = (built.folder.path() / "plain.img").string();
    const auto database = (built.folder.path() / "mmssms.db").string();
    ASSERT_TRUE(run_command(fmt::format("dd if='{}' of='{}' bs=1M skip={} count=32 status=none",
                                        built.phone->dump.string(), plain, built.phone->userdata_at.value >> 20U)));
    ASSERT_TRUE(run_command(fmt::format(
        "/usr/sbin/debugfs -R 'dump /data/com.android.providers.telephony/databases/mmssms.db {}' '{}' 2>/dev/null",
        database, plain)));
    EXPECT_EQ(run_command(fmt::format("sqlite3 '{}' 'pragma integrity_check; select count(*) from sms;'", database)),
              "ok\n4\n");
}

TEST(SamplePhone, LooksFileBasedEncryptedWhenAskedTo)
{
    auto spec = quick_spec();
    spec.content.state = SampleContent::State::file_based_encryption;
    const BuiltPhone built{spec};
    ASSERT_TRUE(is_ok(built.phone));
    EXPECT_TRUE(built.phone->master_key.is_empty());
    EXPECT_FALSE(built.phone->footer_at);
    const auto fstab = test::read_file(built.phone->fstab);
    EXPECT_NE(as_text(fstab).find("fileencryption="), std::string_view::npos);
}

TEST(SamplePhone, GivesTheScatterAPlaceholderAndOnDemandAMovedPartition)
{
    auto spec = quick_spec();
    spec.damage.is_scatter_shifted = true;
    const BuiltPhone built{spec};
    ASSERT_TRUE(is_ok(built.phone));
    const auto bytes = test::read_file(built.phone->scatter);
    const auto text = as_text(bytes);
    EXPECT_NE(text.find("partition_size: 0xc0000000"), std::string_view::npos);
    EXPECT_NE(text.find("physical_start_addr: 0xFFFF0084"), std::string_view::npos);
    EXPECT_NE(text.find("physical_start_addr: 0x3bc8000\n  partition_size: 0x2000000"), std::string_view::npos);
    EXPECT_NE(text.find("physical_start_addr: 0x6f00000"), std::string_view::npos);
}

TEST(SamplePhone, RefusesWhatNoPhoneCouldBe)
{
    const std::vector<Variant> impossible{
        {"64 bytes in a 1.3 footer",
         [](SamplePhoneSpec& s) { s.cipher = {.name = "aes-xts-plain64", .key_bytes = 64}; }},
        {"kdf 5 in a 1.2 footer", [](SamplePhoneSpec& s) { s.footer.layout = aosp_1_2, s.footer.kdf = 5; }},
        {"kdf 0", [](SamplePhoneSpec& s) { s.footer.kdf = 0; }},
        {"metadata in the MBR era", [](SamplePhoneSpec& s) { s.era = SamplePhoneSpec::Era::mbr; }},
        {"a pattern with node 0", [](SamplePhoneSpec& s) { s.secret = {SampleSecret::Kind::pattern_raw, "0123"}; }},
        {"a tiny userdata", [](SamplePhoneSpec& s) { s.userdata_size = ByteCount{1U << 20U}; }},
        {"sectors of 1000 bytes", [](SamplePhoneSpec& s) { s.cipher.sector_bytes = 1000; }},
        {"an unknown cipher", [](SamplePhoneSpec& s) { s.cipher.name = "rot13"; }},
        {"a Samsung key of 16 bytes", [](SamplePhoneSpec& s) { s.footer.layout = samsung_edk; }},
        {"an unreadable file that is not there",
         [](SamplePhoneSpec& s) { s.damage.unreadable_files = {"/no/such file"}; }},
    };
    for (const auto& variant : impossible) {
        auto spec = quick_spec();
        variant.change(spec);
        const BuiltPhone built{spec};
        EXPECT_TRUE(fails_with(built.phone, ErrorCode::invalid_argument)) << variant.name;
        EXPECT_TRUE(fs::is_empty(built.folder.path())) << variant.name << " left something behind";
    }
}

TEST(SamplePhone, OverwritesNothing)
{
    const BuiltPhone built{quick_spec()};
    ASSERT_TRUE(is_ok(built.phone));
    const auto before = sha256_of(built.phone->dump);
    auto other = quick_spec();
    other.seed = 7;
    EXPECT_TRUE(fails_with(build_sample_phone(other, built.folder.path(), {}), ErrorCode::already_exists));
    EXPECT_EQ(sha256_of(built.phone->dump), before);
}

TEST(SamplePhone, StopsOnRequestAndLeavesNothing)
{
    const test::TemporaryFolder folder;
    std::stop_source stop;
    stop.request_stop();
    RunContext context;
    context.stop = stop.get_token();
    EXPECT_TRUE(fails_with(build_sample_phone(quick_spec(), folder.path(), context), ErrorCode::cancelled));
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

} // namespace
} // namespace salvage::rescue
