// Phones with three kinds of footers, and plans for restoring them, for tests.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "salvage/rescue/restore.hpp"
#include "salvage/rescue/sample_phone.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {

/// The phones of the suite, each made once.
class RestorePlanTest : public ::testing::Test {
protected:
    using Names = std::vector<std::string>;
    struct Built {
        test::TemporaryFolder folder;
        SamplePhone phone;
    };

    /// A phone whose scrypt takes milliseconds.
    static std::unique_ptr<Built> build(const std::function<void(SamplePhoneSpec&)>& change)
    {
        SamplePhoneSpec spec;
        spec.userdata_size = ByteCount{24U << 20U};
        spec.footer.n_log2 = 10;
        spec.content.photos = 1;
        change(spec);
        auto out = std::make_unique<Built>();
        out->phone = build_sample_phone(spec, out->folder.path(), {}).unwrap();
        return out;
    }

    static void SetUpTestSuite()
    {
        in_metadata_ = build([](SamplePhoneSpec& /*spec*/) {});
        in_tail_ = build([](SamplePhoneSpec& spec) { spec.footer.place = SampleFooter::Place::userdata_tail; });
        hardware_ = build([](SamplePhoneSpec& spec) {
            spec.footer.kdf = 5;
            spec.footer.keymaster = SampleFooter::Keymaster::opaque;
        });
    }
    static void TearDownTestSuite()
    {
        in_metadata_.reset();
        in_tail_.reset();
        hardware_.reset();
    }

    static RestoreSource source_of(const Built& built)
    {
        return open_restore_source({.path = built.phone.dump, .layout_files = {}, .footer_file = {}, .map_file = {}})
            .unwrap();
    }

    /// What the phone's own GPT says: here the same as the dump's.
    static KnownPhone phone_by_gpt(const Built& built) { return know_phone_by_files({built.phone.dump}).unwrap(); }

    /// What its bootloader says.
    static KnownPhone talking(std::vector<std::pair<std::string, std::string>> variables)
    {
        KnownPhone out;
        out.variables = std::move(variables);
        return out;
    }

    static RestorePlan plan(const Built& built, const KnownPhone& phone = {}, const RestoreRequest& request = {})
    {
        auto out = plan_restore(source_of(built), phone, request, {});
        EXPECT_TRUE(test::is_ok(out));
        return out.has_value() ? *std::move(out) : RestorePlan{};
    }

    static std::vector<std::string> names_of(const RestorePlan& plan)
    {
        std::vector<std::string> out;
        for (const auto& step : plan.steps) {
            out.push_back(step.partition);
        }
        return out;
    }

    static const Finding* finding(const std::vector<Finding>& findings, std::string_view code)
    {
        const auto found = std::ranges::find(findings, code, &Finding::code);
        return found != findings.end() ? &*found : nullptr;
    }

    inline static std::unique_ptr<Built> in_metadata_;
    inline static std::unique_ptr<Built> in_tail_;
    inline static std::unique_ptr<Built> hardware_;
};

} // namespace salvage::rescue
