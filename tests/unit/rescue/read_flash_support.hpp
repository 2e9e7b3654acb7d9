// A flash of four regions that is read into a folder, for tests.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "fake_flash.hpp"
#include "salvage/io/ddrescue_map.hpp"
#include "salvage/rescue/read_flash.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {

class ReadFlash : public ::testing::Test {
protected:
    ReadFlash()
    {
        flash.regions = {{.name = "boot1", .bytes = test::make_content(8192, 1)},
                         {.name = "boot2", .bytes = test::make_content(8192, 2)},
                         {.name = "rpmb", .bytes = test::make_content(4096, 3)},
                         {.name = "user", .bytes = test::make_content(300'032, 4)}};
        options.request = ByteCount{65536};
        options.cluster = ByteCount{4096};
    }

    Result<ReadReport> read(const RunContext& context = {})
    {
        return read_flash(flash.connector(), out, options, context);
    }

    [[nodiscard]] Bytes& user() { return flash.regions[3].bytes; }
    [[nodiscard]] std::filesystem::path beside(std::string_view ending) const
    {
        auto path = out;
        path += ending;
        return path;
    }
    [[nodiscard]] std::string text_of(std::string_view ending) const
    {
        return std::string{as_text(test::read_file(beside(ending)))};
    }
    [[nodiscard]] io::RescueMap map() const
    {
        auto parsed = io::parse_rescue_map(text_of(".map"));
        EXPECT_TRUE(test::is_ok(parsed));
        return std::move(parsed).unwrap();
    }

    test::TemporaryFolder folder;
    std::filesystem::path out{folder.path() / "dump.bin"};
    test::FakeFlash flash;
    ReadOptions options;
};

} // namespace salvage::rescue
