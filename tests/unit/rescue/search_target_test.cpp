// What proves a hit: userdata first, then the footer's own check value.
#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "unit/rescue/search_support.hpp"

namespace salvage::rescue {
namespace {

using namespace fake;
using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::TemporaryFolder;

TEST(FooterTarget, OpensWithTheKeyThatUserdataProves)
{
    const auto phone = phone_with_pin("4711");
    const auto target = make_footer_target(phone.subject).unwrap();
    EXPECT_EQ(judgement_of(*target, "4712"), CandidateJudgement::wrong);
    const auto judged = target->judge(as_bytes("4711")).unwrap();
    EXPECT_EQ(judged.judgement, CandidateJudgement::opens);
    EXPECT_EQ(to_hex(judged.key.expose()), to_hex(key_of("4711")));
    ASSERT_TRUE(judged.proof);
    EXPECT_EQ(judged.proof->filesystem, "ext4");
    EXPECT_TRUE(has_line(judged.facts, "fake unwrap 1")) << fmt::format("{}", judged.facts.size());
    EXPECT_TRUE(has_line(judged.facts, "aes-cbc-essiv:sha256"));
}

TEST(FooterTarget, AsksTheCheckValueOnlyAfterUserdataAndOnlyWhereThatIsWorthIt)
{
    const Phone phone{with_check_value(), {.password = "4711", .wrapped_with = {}, .has_check_value = true}};
    const auto target = make_footer_target(phone.subject).unwrap();
    EXPECT_EQ(judgement_of(*target, "0000"), CandidateJudgement::wrong);
    EXPECT_EQ(judgement_of(*target, "4711"), CandidateJudgement::opens);
    EXPECT_EQ(phone.unlocker->checks.load(), 0U);
    EXPECT_EQ(phone.unlocker->derivations.load(), 2U) << "one derivation a guess";
}

TEST(FooterTarget, AsksForScryptsMemoryOnlyWhereItRunsScrypt)
{
    const FakeFooter fake{.password = "4711", .wrapped_with = {}, .has_check_value = true};
    const Phone phone{with_check_value(), fake};
    EXPECT_EQ(make_footer_target(phone.subject).unwrap()->scrypt(), std::nullopt) << "userdata tells";
    EXPECT_TRUE(make_footer_target(phone.subject, PasswordCheck::all).unwrap()->scrypt());
    const Phone alone{with_check_value(), fake, false};
    EXPECT_TRUE(make_footer_target(alone.subject).unwrap()->scrypt());
}

TEST(FooterTarget, FindsTheRightOneOfSeveralUnwraps)
{
    const Phone phone{usual_footer(), {.password = "x", .wrapped_with = {}, .ways_to_unwrap = 3}};
    const auto judged = make_footer_target(phone.subject).unwrap()->judge(as_bytes("x")).unwrap();
    EXPECT_EQ(judged.judgement, CandidateJudgement::opens);
    EXPECT_EQ(judged.how, "fake unwrap 1");
}

TEST(FooterTarget, SaysWhenTheFootersOwnPasswordDoesNotOpenThisUserdata)
{
    const FakeFooter of_another_installation{
        .password = "4711", .wrapped_with = "a key of before", .has_check_value = true};
    const Phone phone{with_check_value(), of_another_installation};
    const auto listed = make_footer_target(phone.subject, PasswordCheck::listed, {}).unwrap();
    EXPECT_EQ(judgement_of(*listed, "4711"), CandidateJudgement::wrong) << "not asked for";
    EXPECT_EQ(phone.unlocker->checks.load(), 0U);

    std::vector<GivenSecret> secrets;
    secrets.push_back(given("4711"));
    const auto with_list = make_footer_target(phone.subject, PasswordCheck::listed, secrets).unwrap();
    EXPECT_EQ(judgement_of(*with_list, "4711"), CandidateJudgement::footer_only);
    EXPECT_EQ(judgement_of(*with_list, "4712"), CandidateJudgement::wrong);
    EXPECT_EQ(phone.unlocker->checks.load(), 1U);

    const auto all = make_footer_target(phone.subject, PasswordCheck::all, {}).unwrap();
    EXPECT_EQ(judgement_of(*all, "4711"), CandidateJudgement::footer_only);
    EXPECT_EQ(judgement_of(*all, "4712"), CandidateJudgement::wrong);
}

TEST(FooterTarget, TakesTheUsersPasswordThoughTheKeyIsWrappedWithTheDefaultOne)
{
    for (const auto flag : {fde::footer_flag::force_encryption, fde::footer_flag::force_complete}) {
        auto footer = with_check_value();
        footer.flags = flag;
        const Phone phone{footer, {.password = "4711", .wrapped_with = "default_password", .has_check_value = true}};
        const auto target = make_footer_target(phone.subject).unwrap();
        EXPECT_EQ(judgement_of(*target, "4712"), CandidateJudgement::wrong);
        EXPECT_EQ(judgement_of(*target, "default_password"), CandidateJudgement::opens);
        const auto judged = target->judge(as_bytes("4711")).unwrap();
        ASSERT_EQ(judged.judgement, CandidateJudgement::opens);
        EXPECT_EQ(to_hex(judged.key.expose()), to_hex(key_of("default_password")));
        EXPECT_TRUE(has_line(judged.facts, "default password"));
    }
}

TEST(FooterTarget, JudgesAFooterAloneByItsCheckValue)
{
    const Phone phone{with_check_value(), {.password = "4711", .wrapped_with = {}, .has_check_value = true}, false};
    const auto target = make_footer_target(phone.subject).unwrap();
    EXPECT_EQ(judgement_of(*target, "4712"), CandidateJudgement::wrong);
    const auto judged = target->judge(as_bytes("4711")).unwrap();
    EXPECT_EQ(judged.judgement, CandidateJudgement::opens);
    EXPECT_EQ(to_hex(judged.key.expose()), to_hex(key_of("4711")));
    EXPECT_FALSE(judged.proof);
    EXPECT_TRUE(has_line(judged.facts, "no userdata"));
}

TEST(FooterTarget, GivesNoKeyWhereAFooterAloneLeavesTheUnwrapOpen)
{
    const Phone phone{
        with_check_value(), {.password = "x", .wrapped_with = {}, .has_check_value = true, .ways_to_unwrap = 2}, false};
    const auto judged = make_footer_target(phone.subject).unwrap()->judge(as_bytes("x")).unwrap();
    EXPECT_EQ(judged.judgement, CandidateJudgement::opens);
    EXPECT_TRUE(judged.key.is_empty());
    EXPECT_TRUE(has_line(judged.facts, "2 ways"));
}

TEST(FooterTarget, JudgesASamsungFooterByItsHmac)
{
    auto footer = usual_footer();
    footer.kind = fde::FooterKind::samsung_edk;
    footer.samsung_hmac = Bytes(32, std::byte{3});
    const Phone alone{footer, {.password = "test123", .wrapped_with = {}}, false};
    const auto target = make_footer_target(alone.subject).unwrap();
    EXPECT_EQ(judgement_of(*target, "test124"), CandidateJudgement::wrong);
    EXPECT_EQ(judgement_of(*target, "test123"), CandidateJudgement::opens);

    const Phone other_data{footer, {.password = "test123", .wrapped_with = "another"}};
    EXPECT_EQ(judgement_of(*make_footer_target(other_data.subject).unwrap(), "test123"),
              CandidateJudgement::footer_only)
        << "the HMAC says so for nothing";
}

TEST(FooterTarget, IsRefusedWhereNothingTellsRightFromWrong)
{
    const Phone phone{usual_footer(), {.password = "x", .wrapped_with = {}}, false};
    const auto refused = make_footer_target(phone.subject);
    ASSERT_TRUE(fails_with(refused, ErrorCode::not_found));
    EXPECT_FALSE(refused.error().hint.empty());
}

TEST(FooterTarget, PassesOnWhatCannotBeReadOrDerived)
{
    auto phone = phone_with_pin("4711");
    phone.unlocker->failing_secret = "boom";
    EXPECT_TRUE(fails_with(make_footer_target(phone.subject).unwrap()->judge(as_bytes("boom")), ErrorCode::internal));
    phone.subject.userdata = io::make_with_bad_areas(phone.subject.userdata, {ByteRange::first(ByteCount{1U << 16U})});
    EXPECT_FALSE(make_footer_target(phone.subject).has_value());
}

TEST(FooterTarget, IsKnownByWhatAGuessIsJudgedBy)
{
    const auto identity = [](const Phone& phone, PasswordCheck check = PasswordCheck::listed) {
        return make_footer_target(phone.subject, check).unwrap()->identity();
    };
    const auto phone = phone_with_pin("4711");
    EXPECT_EQ(identity(phone), identity(phone_with_pin("4711")));
    EXPECT_NE(identity(phone), identity(phone_with_pin("4712"))) << "another userdata";
    EXPECT_NE(identity(phone), identity(phone, PasswordCheck::all));
    auto other_salt = usual_footer();
    other_salt.salts.front().front() = std::byte{9};
    EXPECT_NE(identity(phone), identity(Phone{other_salt, {.password = "4711", .wrapped_with = {}}}));
    auto counted = usual_footer();
    counted.failed_decrypt_count = 5;
    EXPECT_EQ(identity(phone), identity(Phone{counted, {.password = "4711", .wrapped_with = {}}}))
        << "the phone counts on; the footer is the same";
    EXPECT_EQ(identity(phone).find('\n'), std::string::npos);
}

} // namespace
} // namespace salvage::rescue
