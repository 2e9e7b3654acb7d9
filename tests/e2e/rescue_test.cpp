// The main job once and again: a search on the way, a case that goes on, the volume key alone.
#include "e2e/rescue_support.hpp"

namespace salvage::rescue {
namespace {

TEST(Rescue, FindsThePinThatNobodyTellsIt)
{
    const test::TemporaryFolder folder;
    const auto phone = build_sample_phone(quick_spec(), folder.path(), {});
    ASSERT_TRUE(is_ok(phone));
    Case each{.name = "search", .is_secret_given = false};
    auto request = request_for(*phone, each, folder.path());
    request.search_time = std::chrono::seconds{120};
    const auto report = rescue(request, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(to_string(report->inspect.outcome.verdict.code), "open");
    expect_files(*phone, *report, Files::all);
    EXPECT_EQ(as_text(test::read_file(report->secret_file)), "1397");
}

TEST(Rescue, GoesOnWithACaseOfTheSameDumpAndRefusesAnother)
{
    const test::TemporaryFolder folder;
    const test::TemporaryFolder other_folder;
    const auto phone = build_sample_phone(quick_spec(), folder.path(), {});
    auto other_spec = quick_spec();
    other_spec.seed = 2;
    const auto other = build_sample_phone(other_spec, other_folder.path(), {});
    ASSERT_TRUE(is_ok(phone));
    ASSERT_TRUE(is_ok(other));
    const Case each{.name = "again"};
    const auto first = rescue(request_for(*phone, each, folder.path()), {});
    const auto second = rescue(request_for(*phone, each, folder.path()), {});
    ASSERT_TRUE(is_ok(first));
    ASSERT_TRUE(is_ok(second));
    expect_files(*phone, *second, Files::all);
    auto wrong = request_for(*other, each, folder.path());
    EXPECT_FALSE(rescue(wrong, {}).has_value()) << "the case belongs to another dump";
}

TEST(Rescue, OpensWithTheVolumeKeyAlone)
{
    const test::TemporaryFolder folder;
    auto spec = quick_spec();
    spec.footer.place = SampleFooter::Place::none;
    const auto phone = build_sample_phone(spec, folder.path(), {});
    ASSERT_TRUE(is_ok(phone));
    const Case each{.name = "key", .is_secret_given = false};
    auto request = request_for(*phone, each, folder.path());
    request.open.master_key = GivenMasterKey{.key = phone->master_key.clone(), .sector = {}};
    const auto report = rescue(request, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(to_string(report->inspect.outcome.verdict.code), "open");
    expect_files(*phone, *report, Files::all);
}

} // namespace
} // namespace salvage::rescue
