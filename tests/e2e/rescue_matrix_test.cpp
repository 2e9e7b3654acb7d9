// Whole rescues of synthetic phones: for each kind of phone the right verdict, and every file byte-equal or the reason
// why not.  The phones are made without any of the code that reads them (docs/adr/0004).
#include "e2e/rescue_support.hpp"

namespace salvage::rescue {
namespace {

class RescueMatrix : public ::testing::TestWithParam<Case> {};

TEST_P(RescueMatrix, SaysWhatIsSoAndBringsTheFilesBack)
{
    const auto& each = GetParam();
    auto spec = quick_spec();
    each.phone(spec);
    const test::TemporaryFolder folder;
    const auto phone = build_sample_phone(spec, folder.path(), {});
    ASSERT_TRUE(is_ok(phone));
    const auto before = sha256_of(phone->dump);
    const auto report = rescue(request_for(*phone, each, folder.path()), {});
    ASSERT_TRUE(is_ok(report));
    const auto& verdict = report->inspect.outcome.verdict;
    EXPECT_EQ(to_string(verdict.code), to_string(each.verdict)) << verdict.text << "\n"
                                                                << fmt::format("{}", fmt::join(verdict.proof, "\n"));
    EXPECT_FALSE(verdict.text.empty());
    EXPECT_FALSE(verdict.next.empty());
    EXPECT_FALSE(verdict.proof.empty());
    if (each.files == Files::none) {
        EXPECT_FALSE(report->exported);
    } else if (each.files != Files::as_checked) {
        expect_files(*phone, *report, each.files);
    }
    each.check(*phone, *report);
    EXPECT_EQ(sha256_of(phone->dump), before) << "the evidence was written to";
}

using Layout = SampleFooter::Layout;
using Place = SampleFooter::Place;
using Keymaster = SampleFooter::Keymaster;
using Kind = SampleSecret::Kind;
using State = SampleContent::State;

auto footer(Layout layout, Place place, std::uint8_t kdf)
{
    return [=](SamplePhoneSpec& spec) {
        spec.footer.layout = layout;
        spec.footer.place = place;
        spec.footer.kdf = kdf;
    };
}

auto keymaster(Keymaster kind)
{
    return [=](SamplePhoneSpec& spec) {
        spec.footer.kdf = 5;
        spec.footer.keymaster = kind;
    };
}

auto secret(Kind kind, std::string text)
{
    return [=](SamplePhoneSpec& spec) { spec.secret = {.kind = kind, .text = text}; };
}

auto cipher(std::string name, std::uint32_t key_bytes, std::uint32_t sector_bytes, bool has_large_ivs = true)
{
    return [=](SamplePhoneSpec& spec) {
        spec.cipher.name = name;
        spec.cipher.key_bytes = key_bytes;
        spec.cipher.sector_bytes = sector_bytes;
        spec.cipher.has_large_sector_ivs = has_large_ivs;
    };
}

auto flags(std::uint32_t bits)
{
    return [=](SamplePhoneSpec& spec) { spec.footer.flags = bits; };
}

/// The 1.0 footers of HTC: 48 derived bytes, AES-256.
void htc(SamplePhoneSpec& spec)
{
    spec.footer.layout = Layout::aosp_1_0;
    spec.footer.unwrap = SampleFooter::Unwrap::aes_256;
    spec.cipher.key_bytes = 32;
}

void samsung(SamplePhoneSpec& spec)
{
    spec.footer.layout = Layout::samsung_edk;
    spec.footer.place = Place::userdata_tail;
    spec.cipher.key_bytes = 32;
}

void mbr_era(SamplePhoneSpec& spec)
{
    spec.era = SamplePhoneSpec::Era::mbr;
    spec.footer.layout = Layout::aosp_1_2;
    spec.footer.place = Place::userdata_tail;
}

bool has_finding(const RescueReport& report, std::string_view code)
{
    return std::ranges::any_of(report.inspect.findings, [&](const Finding& f) { return f.code == code; });
}

std::string all_proof(const RescueReport& report)
{
    return fmt::format("{}", fmt::join(report.inspect.outcome.verdict.proof, "\n"));
}

void expect_footer_where_it_was_put(const SamplePhone& phone, const RescueReport& report)
{
    const auto& found = report.inspect.outcome.footers.footers;
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found.front().offset, *phone.footer_at);
    EXPECT_TRUE(found.front().placement.fits) << found.front().placement.text;
}

void expect_one_byte_missing(const SamplePhone& /*phone*/, const RescueReport& report)
{
    EXPECT_FALSE(report.inspect.completeness.is_complete);
    EXPECT_NE(report.inspect.completeness.text.find("1 byte"), std::string::npos) << report.inspect.completeness.text;
}

void expect_decoys(const SamplePhone& phone, const RescueReport& report)
{
    const auto& search = report.inspect.outcome.footers;
    EXPECT_GE(search.decoys.size(), 1U);
    EXPECT_EQ(search.footers.size(), 2U) << "the right one, and an outdated one in a file of cache";
    EXPECT_EQ(search.footers.front().offset, *phone.footer_at);
    for (const auto& decoy : search.decoys) {
        EXPECT_FALSE(decoy.reason.empty());
    }
}

void expect_partitions_that_belong_together(const SamplePhone& /*phone*/, const RescueReport& report)
{
    EXPECT_NE(all_proof(report).find("Partitions that belong together: metadata, userdata"), std::string::npos)
        << all_proof(report);
    EXPECT_EQ(exit_code(report.inspect.outcome.verdict.code), 6);
}

void expect_conflict_taken_from_gpt(const SamplePhone& phone, const RescueReport& report)
{
    const auto* const cache = report.inspect.layout.find("cache");
    const auto truth = std::ranges::find(phone.partitions, "cache", &SamplePartition::name);
    ASSERT_NE(cache, nullptr);
    ASSERT_NE(truth, phone.partitions.end());
    EXPECT_EQ(cache->start, truth->start);
    const auto is_about_cache = [](const Finding& f) {
        return f.where.partition == "cache" && f.severity != Severity::note && f.numbers.size() >= 2;
    };
    EXPECT_TRUE(std::ranges::any_of(report.inspect.findings, is_about_cache)) << "the conflict is not named";
}

/// Of a dump that ends inside userdata: what lies before the end is byte-equal, what lies behind is named and counted.
void expect_cut_files_named(const SamplePhone& phone, const RescueReport& report)
{
    EXPECT_FALSE(report.inspect.completeness.is_complete);
    ASSERT_TRUE(report.exported);
    std::set<std::string> lost;
    for (const auto& problem : report.exported->failed) {
        EXPECT_FALSE(problem.reason.empty());
        lost.insert(problem.path);
    }
    std::uint64_t whole = 0;
    for (const auto& file : phone.files) {
        if (file.type != ExpectedFile::Type::regular || lost.contains(file.path)) {
            continue;
        }
        EXPECT_EQ(sha256_of(report.files_path + file.path), file.sha256) << printable(file.path);
        ++whole;
    }
    EXPECT_GT(whole, 0U);
}

const std::vector<Case> cases{
    {.name = "default_phone", .check = expect_footer_where_it_was_put},
    {.name = "footer_1_0_tail",
     .phone = footer(Layout::aosp_1_0, Place::userdata_tail, 1),
     .check = expect_footer_where_it_was_put},
    {.name = "footer_1_0_metadata",
     .phone = footer(Layout::aosp_1_0, Place::metadata, 1),
     .check = expect_footer_where_it_was_put},
    {.name = "footer_1_2_tail_scrypt",
     .phone = footer(Layout::aosp_1_2, Place::userdata_tail, 2),
     .check = expect_footer_where_it_was_put},
    {.name = "footer_1_2_metadata_scrypt", .phone = footer(Layout::aosp_1_2, Place::metadata, 2)},
    {.name = "footer_1_2_tail_pbkdf2", .phone = footer(Layout::aosp_1_2, Place::userdata_tail, 1)},
    {.name = "footer_1_3_tail_scrypt",
     .phone = footer(Layout::aosp_1_3, Place::userdata_tail, 2),
     .check = expect_footer_where_it_was_put},
    {.name = "footer_1_3_metadata_pbkdf2", .phone = footer(Layout::aosp_1_3, Place::metadata, 1)},
    {.name = "footer_1_3_of_android_5", .phone = [](SamplePhoneSpec& s) { s.footer.has_own_hash = false; }},
    {.name = "footer_1_3_without_check_value", .phone = [](SamplePhoneSpec& s) { s.footer.has_check_value = false; }},
    {.name = "kdf_3_software", .phone = footer(Layout::aosp_1_3, Place::metadata, 3)},
    {.name = "kdf_4_software", .phone = footer(Layout::aosp_1_3, Place::metadata, 4)},
    {.name = "kdf_5_software_pkcs8", .phone = keymaster(Keymaster::software_pkcs8)},
    {.name = "kdf_5_software_pkcs1", .phone = keymaster(Keymaster::software_pkcs1)},
    {.name = "kdf_5_software_pk8", .phone = keymaster(Keymaster::software_pk8)},
    {.name = "kdf_5_bkmk_with_phone_keys", .phone = keymaster(Keymaster::bkmk), .are_phone_keys_given = true},
    {.name = "kdf_5_bkmk_without_phone_keys",
     .phone = keymaster(Keymaster::bkmk),
     .verdict = VerdictCode::needs_phone_key,
     .files = Files::none,
     .check = expect_partitions_that_belong_together},
    {.name = "kdf_5_opaque_blob",
     .phone = keymaster(Keymaster::opaque),
     .verdict = VerdictCode::needs_phone_key,
     .files = Files::none,
     .check = expect_partitions_that_belong_together},
    {.name = "default_password", .phone = secret(Kind::default_password, ""), .is_secret_given = false},
    {.name = "pin_not_given",
     .verdict = VerdictCode::needs_secret,
     .files = Files::none,
     .is_secret_given = false,
     .check =
         [](const SamplePhone&, const RescueReport& r) {
             EXPECT_FALSE(r.inspect.outcome.verdict.cost.empty());
             EXPECT_EQ(exit_code(r.inspect.outcome.verdict.code), 1);
         }},
    {.name = "pattern_digits", .phone = secret(Kind::pattern_digits, "14789")},
    {.name = "pattern_raw", .phone = secret(Kind::pattern_raw, "32147")},
    {.name = "password", .phone = secret(Kind::password, "correct horse é")},
    {.name = "samsung_edk", .phone = samsung, .check = expect_footer_where_it_was_put},
    {.name = "htc_256_footer_1_0", .phone = htc},
    {.name = "htc_256_footer_1_2_salt_after_padding",
     .phone =
         [](SamplePhoneSpec& s) {
             htc(s);
             s.footer.layout = Layout::aosp_1_2;
             s.footer.kdf = 1;
             s.footer.has_salt_after_padding = true;
         }},
    {.name = "key_of_256_bits_unwrapped_with_aes_128", .phone = [](SamplePhoneSpec& s) { s.cipher.key_bytes = 32; }},
    {.name = "cbc_plain64", .phone = cipher("aes-cbc-plain64", 16, 512)},
    {.name = "cbc_plain_sha1", .phone = cipher("aes-cbc-plain:sha1", 32, 512)},
    {.name = "xts_128", .phone = cipher("aes-xts-plain64", 32, 512)},
    {.name = "xts_256_in_a_1_0_footer",
     .phone =
         [](SamplePhoneSpec& s) {
             cipher("aes-xts-plain64", 64, 512)(s);
             s.footer.layout = Layout::aosp_1_0;
         }},
    {.name = "sectors_of_4096", .phone = cipher("aes-cbc-essiv:sha256", 16, 4096)},
    {.name = "sectors_of_4096_small_iv_numbers", .phone = cipher("aes-cbc-essiv:sha256", 16, 4096, false)},
    {.name = "xts_sectors_of_4096", .phone = cipher("aes-xts-plain64", 32, 4096)},
    {.name = "iv_counted_from_disk", .phone = [](SamplePhoneSpec& s) { s.cipher.is_iv_counted_from_disk = true; }},
    {.name = "interrupted_encryption",
     .phone = flags(0x2),
     .check =
         [](const SamplePhone& phone, const RescueReport& r) {
             ASSERT_TRUE(r.inspect.outcome.volume);
             EXPECT_EQ(r.inspect.outcome.volume->proof.volume.encrypted_upto, phone.encrypted_upto);
         }},
    {.name = "key_in_clear", .phone = flags(0x1), .is_secret_given = false},
    {.name = "flag_0x20_opens_without_the_secret", .phone = flags(0x20), .is_secret_given = false},
    {.name = "flag_0x10_not_yet_encrypted",
     .phone = flags(0x10),
     .verdict = VerdictCode::not_encrypted,
     .is_secret_given = false,
     .check = [](const SamplePhone&,
                 const RescueReport& r) { EXPECT_TRUE(has_finding(r, "footer-of-plain-userdata")); }},
    {.name = "footer_of_another_phone",
     .phone = [](SamplePhoneSpec& s) { s.footer.is_of_another_phone = true; },
     .verdict = VerdictCode::mismatch,
     .files = Files::none,
     .check = [](const SamplePhone&,
                 const RescueReport& r) { EXPECT_EQ(exit_code(r.inspect.outcome.verdict.code), 7); }},
    {.name = "footer_missing",
     .phone = [](SamplePhoneSpec& s) { s.footer.place = Place::none; },
     .verdict = VerdictCode::key_missing,
     .files = Files::none},
    {.name = "cut_with_footer_in_metadata",
     .phone = [](SamplePhoneSpec& s) { s.damage.is_cut_inside_userdata = true; },
     .files = Files::as_checked,
     .check = expect_cut_files_named},
    {.name = "cut_with_footer_at_the_tail",
     .phone =
         [](SamplePhoneSpec& s) {
             s.footer.place = Place::userdata_tail;
             s.damage.is_cut_inside_userdata = true;
         },
     .verdict = VerdictCode::key_missing,
     .files = Files::none,
     .check = [](const SamplePhone&, const RescueReport& r) { EXPECT_FALSE(r.inspect.completeness.is_complete); }},
    {.name = "one_byte_short",
     .phone = [](SamplePhoneSpec& s) { s.damage.is_one_byte_short = true; },
     .check = expect_one_byte_missing},
    {.name = "primary_gpt_destroyed", .phone = [](SamplePhoneSpec& s) { s.damage.is_primary_gpt_destroyed = true; }},
    {.name = "no_gpt_scatter_only",
     .phone =
         [](SamplePhoneSpec& s) {
             s.damage.is_primary_gpt_destroyed = true;
             s.damage.is_backup_gpt_destroyed = true;
         },
     .is_scatter_given = true},
    {.name = "scatter_and_gpt_in_conflict",
     .phone = [](SamplePhoneSpec& s) { s.damage.is_scatter_shifted = true; },
     .is_scatter_given = true,
     .check = expect_conflict_taken_from_gpt},
    {.name = "decoys_and_a_fake_footer",
     .phone = [](SamplePhoneSpec& s) { s.content.has_decoys = true; },
     .check = expect_decoys},
    {.name = "mbr_era", .phone = mbr_era},
    {.name = "mbr_era_with_scatter", .phone = mbr_era, .is_scatter_given = true},
    {.name = "not_encrypted",
     .phone = [](SamplePhoneSpec& s) { s.content.state = State::not_encrypted; },
     .verdict = VerdictCode::not_encrypted,
     .is_secret_given = false},
    {.name = "file_based_encryption",
     .phone = [](SamplePhoneSpec& s) { s.content.state = State::file_based_encryption; },
     .verdict = VerdictCode::file_based_encryption,
     .is_secret_given = false},
    {.name = "dirty_journal",
     .phone = [](SamplePhoneSpec& s) { s.content.has_dirty_journal = true; },
     .check = [](const SamplePhone&, const RescueReport& r) { EXPECT_TRUE(has_finding(r, "ext-journal-replayed")); }},
    {.name = "metadata_checksums", .phone = [](SamplePhoneSpec& s) { s.content.has_checksums = true; }},
    {.name = "unreadable_areas",
     .phone =
         [](SamplePhoneSpec& s) {
             s.damage.unreadable_files = {"/media/0/Music/tone.wav", "/media/0/Download/block-4097.bin"};
         },
     .files = Files::damaged,
     .check = [](const SamplePhone&,
                 const RescueReport& r) { EXPECT_EQ(r.inspect.completeness.unreadable.value, 2U * 1024); }},
};

INSTANTIATE_TEST_SUITE_P(Phones, RescueMatrix, ::testing::ValuesIn(cases),
                         [](const auto& each) { return each.param.name; });

/// The same phones with f2fs, but for what only ext4 has.  By default one of each kind of footer, key and cipher; with
/// SALVAGE_FULL_MATRIX=1 all.
std::vector<Case> f2fs_cases()
{
    const std::set<std::string_view> of_each_kind{"default_phone",
                                                  "footer_1_0_tail",
                                                  "footer_1_2_metadata_scrypt",
                                                  "kdf_5_software_pkcs8",
                                                  "samsung_edk",
                                                  "htc_256_footer_1_0",
                                                  "cbc_plain64",
                                                  "cbc_plain_sha1",
                                                  "xts_256_in_a_1_0_footer",
                                                  "sectors_of_4096",
                                                  "interrupted_encryption",
                                                  "mbr_era",
                                                  "file_based_encryption",
                                                  "unreadable_areas",
                                                  "cut_with_footer_in_metadata"};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment.
    const bool is_full = std::getenv("SALVAGE_FULL_MATRIX") != nullptr;
    std::vector<Case> out;
    for (const auto& each : cases) {
        if (each.name == "dirty_journal" || (!is_full && !of_each_kind.contains(each.name))) {
            continue;
        }
        auto& added = out.emplace_back(each);
        added.phone = [&each](SamplePhoneSpec& spec) {
            each.phone(spec);
            spec.content.volume = SampleContent::Volume::f2fs;
            spec.userdata_size = ByteCount{72U << 20U};
        };
    }
    return out;
}

INSTANTIATE_TEST_SUITE_P(F2fsPhones, RescueMatrix, ::testing::ValuesIn(f2fs_cases()),
                         [](const auto& each) { return each.param.name; });

} // namespace
} // namespace salvage::rescue
